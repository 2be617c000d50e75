import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HubError } from "@wahub/domain";
import { createGrpcClient } from "@wahub/platform";
import { DispatchService, UnknownPolicy, UnknownResolution } from "@wahub/proto";
import type { Stack } from "@wahub/stack";
import type { Order } from "./campaign.ts";
import { stateWord } from "./words.ts";

/** What a caller has in its hands after all its calls. */
export interface Placed {
  readonly order: Order;
  readonly batchId: string;
  /** How many calls it took, the one that was answered included. */
  readonly calls: number;
}

export interface CallerDeps {
  readonly stack: Stack;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A caller gives up on a call after this long, and calls again. */
const CALL_TIMEOUT_MS = 15_000;
const STREAM_TIMEOUT_MS = 30_000;
const AGAIN_MS = 500;
const CHUNK = 250;

/** Kinds of errors that tell a caller to call again. Anything else is a fault of the hub: the calls are right. */
const COME_AGAIN = new Set(["unavailable", "limited"]);

/**
 * Calls like a program that wants its messages sent whatever happens: the same call with the same key, until there is an
 * answer, and then once more. Throws when the hub refuses, or answers another batch.
 */
export function createCallers({ stack, seed, say, signal }: CallerDeps) {
  const dispatch = createGrpcClient(DispatchService, stack.urls.dispatchGrpc, { deadlineMs: CALL_TIMEOUT_MS });
  const authorization = `Bearer ${stack.apiKey}`;

  const persist = async <T>(what: string, call: (n: number) => Promise<T>): Promise<{ answer: T; calls: number }> => {
    for (let calls = 1; ; calls += 1) {
      try {
        return { answer: await call(calls), calls };
      } catch (error) {
        if (signal.aborted || !(error instanceof HubError) || !COME_AGAIN.has(error.kind)) {
          throw new Error(`${what}: ${String(error)}`, { cause: error });
        }
        await sleep(AGAIN_MS, undefined, { signal });
      }
    }
  };

  const send = (order: Order, expiresAt: Date | undefined, n: number): Promise<string> => {
    const header = {
      idempotencyKey: `chaos ${seed} ${order.name}`,
      content: { kind: { case: "text" as const, value: { body: order.body } } },
      ...(expiresAt && { expiresAt: timestampFromMs(expiresAt.getTime()) }),
      unknownPolicy: { assume_sent: UnknownPolicy.ASSUME_SENT, hold: UnknownPolicy.HOLD }[order.policy],
    };
    const recipients = order.recipients.map((phone, i) => ({ phone, metadata: { customer: i } }));
    const gateways = stack.replicas("gateway");
    const gateway = `http://127.0.0.1:${gateways[n % gateways.length]!.ports["http"]}`;
    switch (order.door) {
      case "grpc":
        return dispatch.bulkSend({ ...header, recipients }, { authorization, signal }).then(({ batchId }) => batchId);
      case "stream": {
        const options = { authorization, signal, deadlineMs: STREAM_TIMEOUT_MS };
        return dispatch.bulkSendStream(inChunks(header, recipients), options).then(({ batchId }) => batchId);
      }
      case "connect":
        return post(`${gateway}/whatsapphub.v1.DispatchService/BulkSend`, {
          idempotencyKey: header.idempotencyKey,
          content: { text: { body: order.body } },
          recipients,
          ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
        }).then(({ batchId }) => String(batchId));
      case "rest":
        return post(
          `${gateway}/bulk-send`,
          { phone_numbers: order.recipients, message: order.body },
          { "idempotency-key": header.idempotencyKey },
        ).then(({ batch_id: batchId }) => String(batchId));
    }
  };

  const post = async (url: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    }).catch((error: unknown) => {
      throw new HubError("unavailable", "no answer", { cause: error });
    });
    const text = await response.text().catch((error: unknown) => {
      throw new HubError("unavailable", "the answer broke off", { cause: error });
    });
    if (response.ok) return JSON.parse(text) as Record<string, unknown>;
    if ([429, 502, 503, 504].includes(response.status)) throw new HubError("unavailable", text);
    throw new Error(`${response.status}: ${text.slice(0, 300)}`);
  };

  const control = async (order: Order, batchId: string): Promise<void> => {
    const call = { authorization, signal };
    const request = { batchId };
    // Too late is no fault: a short batch may be through.
    const unlessOver = <T>(calling: Promise<T>): Promise<T | undefined> =>
      calling.catch((error: unknown) => {
        if (error instanceof HubError && error.kind === "not_now") return undefined;
        throw error;
      });
    if (order.cancelAfterMs !== undefined) {
      await sleep(order.cancelAfterMs, undefined, { signal });
      await persist(`CancelBatch of ${order.name}`, () => unlessOver(dispatch.cancelBatch(request, call)));
      say(`"${order.name}" is called off`);
    }
    if (order.pauseAfterMs !== undefined) {
      await sleep(order.pauseAfterMs, undefined, { signal });
      await persist(`PauseBatch of ${order.name}`, () => unlessOver(dispatch.pauseBatch(request, call)));
      say(`"${order.name}" is paused`);
      await sleep(order.pauseAfterMs, undefined, { signal });
      const { answer } = await persist(`ResumeBatch of ${order.name}`, () =>
        unlessOver(dispatch.resumeBatch(request, call)),
      );
      say(`"${order.name}" goes on: ${stateWord(answer?.batch?.state ?? 0)}`);
    }
  };

  return {
    /** Places the order, insists until it is answered, asks once more, and controls the batch as the order says. */
    async place(order: Order): Promise<Placed> {
      await sleep(order.atMs, undefined, { signal });
      const expiresAt = order.expiresAfterMs === undefined ? undefined : new Date(Date.now() + order.expiresAfterMs);
      const { answer: batchId, calls } = await persist(order.name, (n) => send(order, expiresAt, n));
      say(`"${order.name}" (${order.recipients.length} by ${order.door}) is accepted, call ${calls}`);
      const controlled = control(order, batchId);
      const again = await persist(`${order.name} again`, (n) => send(order, expiresAt, n));
      if (again.answer !== batchId) throw new Error(`${order.name}: the same key was answered with two batches`);
      await controlled;
      return { order, batchId, calls };
    },
    /** What a person does about held messages that nobody can say anything about; the number of those decided. */
    async decideHeld(batchId: string): Promise<number> {
      const request = { batchId, resolution: UnknownResolution.ASSUME_SENT };
      const { answer } = await persist("ResolveUnknown", () =>
        dispatch.resolveUnknown(request, { authorization, signal }),
      );
      return answer.resolvedCount;
    },
    close: () => dispatch.close(),
  };
}

async function* inChunks<H, R>(header: H, recipients: readonly R[]) {
  yield { part: { case: "header" as const, value: header } };
  for (let from = 0; from < recipients.length; from += CHUNK) {
    yield { part: { case: "recipients" as const, value: { recipients: recipients.slice(from, from + CHUNK) } } };
  }
}
