// The hub's API as the demo uses it: Connect with JSON over plain HTTP, one POST per call. Every name of the API that the
// demo knows is in this file.

export interface Recipient {
  phone: string;
  metadata: Readonly<Record<string, string>>;
}

export interface BulkSendResult {
  batchId: string;
  acceptedCount: number;
  rejectedCount: number;
}

export interface StatusCount {
  /** In lower case without its prefix: `delivered`. */
  status: string;
  errorCode: number;
  count: number;
}

export interface BatchView {
  state: string;
  settled: boolean;
  total: number;
  counts: StatusCount[];
}

export interface MessageView {
  id: string;
  recipient: string;
  status: string;
  twilioSid: string;
  submittedAt: Date | undefined;
}

export interface TimelineStep {
  at: Date;
  status: string;
  source: string;
}

export interface HubClient {
  bulkSend(request: { idempotencyKey: string; body: string; recipients: Recipient[] }): Promise<BulkSendResult>;
  getBatch(batchId: string): Promise<BatchView>;
  /** Every message of the batch. */
  listMessages(batchId: string): Promise<MessageView[]>;
  getTimeline(messageId: string): Promise<TimelineStep[]>;
}

const PAGE_SIZE = 1_000;

/** Calls the gateway at `url`. A refused call throws an error with the reason; `signal` ends calls under way. */
export function createHubClient({
  url,
  apiKey,
  signal,
}: {
  url: string;
  apiKey: string;
  signal: AbortSignal;
}): HubClient {
  const call = async <T>(method: string, request: object): Promise<T> => {
    const response = await fetch(`${url}/whatsapphub.v1.${method}`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} was refused with ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  };
  return {
    async bulkSend({ idempotencyKey, body, recipients }) {
      const request = { idempotencyKey, content: { text: { body } }, recipients };
      const answer = await call<Partial<BulkSendResult>>("DispatchService/BulkSend", request);
      const { batchId = "", acceptedCount = 0, rejectedCount = 0 } = answer;
      return { batchId, acceptedCount, rejectedCount };
    },

    async getBatch(batchId) {
      const { batch = {} } = await call<{ batch?: JsonBatch }>("StatusService/GetBatch", { batchId });
      return {
        state: word(batch.state),
        settled: batch.settled ?? false,
        total: batch.total ?? 0,
        counts: (batch.counts ?? []).map(({ status, errorCode = 0, count = 0 }) => ({
          status: word(status),
          errorCode,
          count,
        })),
      };
    },

    async listMessages(batchId) {
      const messages: MessageView[] = [];
      let pageToken = "";
      do {
        const request = { batchId, pageSize: PAGE_SIZE, pageToken };
        const page = await call<{ messages?: JsonMessage[]; nextPageToken?: string }>(
          "StatusService/ListMessages",
          request,
        );
        for (const message of page.messages ?? []) messages.push(messageFrom(message));
        pageToken = page.nextPageToken ?? "";
      } while (pageToken !== "");
      return messages;
    },

    async getTimeline(messageId) {
      const { timeline = [] } = await call<{ timeline?: JsonStep[] }>("StatusService/GetMessage", { messageId });
      return timeline.map(({ at, status, source }) => ({
        at: new Date(at ?? 0),
        status: word(status),
        source: word(source),
      }));
    },
  };
}

// Fields at their default value (0, false, "") are left out of the JSON.
interface JsonBatch {
  state?: string;
  settled?: boolean;
  total?: number;
  counts?: { status?: string; errorCode?: number; count?: number }[];
}

interface JsonMessage {
  id?: string;
  recipient?: string;
  status?: string;
  twilioSid?: string;
  submittedAt?: string;
}

interface JsonStep {
  at?: string;
  status?: string;
  source?: string;
}

function messageFrom({ id = "", recipient = "", status, twilioSid = "", submittedAt }: JsonMessage): MessageView {
  const at = submittedAt === undefined ? undefined : new Date(submittedAt);
  return { id, recipient, status: word(status), twilioSid, submittedAt: at };
}

/** `MESSAGE_STATUS_DELIVERED` is `delivered` to people. */
function word(enumName = "unspecified"): string {
  return enumName.replace(/^(MESSAGE_STATUS|BATCH_STATE|EVENT_SOURCE)_/, "").toLowerCase();
}
