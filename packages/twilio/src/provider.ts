import type { MessageProvider, OutgoingMessage } from "@wahub/domain";
import { statusCallbackUrl } from "./callback-url.ts";
import { HttpClient } from "./http-client.ts";
import type { HttpAnswer } from "./http-exchange.ts";
import { hasUnknownCode, outcomeOfAnswer, outcomeOfFailure } from "./outcome.ts";
import type { ProviderAnswer } from "./outcome.ts";
import { retryAfterMs } from "./retry-after.ts";
import { apiBase, createSdkClient } from "./sdk-client.ts";

export interface TwilioProviderOptions {
  /** The accounts that messages may go through; a message for any other one is `paused`. */
  readonly accounts: readonly { readonly sid: string; readonly authToken: string }[];
  /** Where the API is, with an optional path prefix; Twilio itself where absent. Also the way to choose a region. */
  readonly apiBaseUrl?: string;
  /** Base that Twilio reaches our webhooks under. */
  readonly publicWebhookUrl: string;
  /** Connections to Twilio, all accounts together; more requests than that wait for one. */
  readonly maxConnections: number;
  /** From the first byte of a request to the last of its answer; past it the outcome is `unknown`. */
  readonly requestTimeoutMs: number;
  /** Added to the SDK's user agent. */
  readonly userAgent?: string;
  /** Told of each refusal whose code the error table lacks: worth an alert. */
  readonly onUnknownCode?: (code: number, httpStatus: number) => void;
}

/**
 * Sends WhatsApp messages through Twilio's official SDK. `send` never throws, returns at the latest at
 * `sendBy + requestTimeoutMs`, and makes at most one request.
 */
export function createTwilioProvider(options: TwilioProviderOptions): MessageProvider & { close(): Promise<void> } {
  const baseUrl = apiBase(options.apiBaseUrl);
  const http = new HttpClient({ ...options, origin: new URL(baseUrl).origin });
  const clients = new Map(
    options.accounts.map(({ sid, authToken }) => [sid, createSdkClient({ ...options, sid, authToken, baseUrl, http })]),
  );

  async function send(message: OutgoingMessage, sendBy: number): ReturnType<MessageProvider["send"]> {
    const client = clients.get(message.accountSid);
    if (client === undefined) {
      return { kind: "paused", code: 0, scope: "account", message: "no credentials for this Twilio account" };
    }
    try {
      const params = {
        from: `whatsapp:${message.from}`,
        to: `whatsapp:${message.to}`,
        body: message.body,
        statusCallback: statusCallbackUrl(options.publicWebhookUrl, message.messageId, message.attempt),
        ...(message.validityS === undefined ? {} : { validityPeriod: message.validityS }),
      };
      const answer = readAnswer(await http.exchange(sendBy, () => client.messages.create(params)));
      if (hasUnknownCode(answer)) report(answer);
      return outcomeOfAnswer(answer);
    } catch (error) {
      return outcomeOfFailure(error);
    }
  }

  function report({ code = 0, httpStatus }: ProviderAnswer): void {
    try {
      options.onUnknownCode?.(code, httpStatus);
    } catch {
      // An observer that fails does not change what became of the message.
    }
  }

  return { send, close: () => http.close() };
}

function readAnswer(answer: HttpAnswer): ProviderAnswer {
  const { code, sid, message } = jsonObject(answer.body);
  const waitMs = retryAfterMs(answer.headers["retry-after"], Date.now());
  return {
    httpStatus: answer.status,
    ...(isTwilioCode(code) ? { code } : {}),
    ...(typeof sid === "string" ? { sid } : {}),
    ...(typeof message === "string" ? { message } : {}),
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
}

/** Twilio's codes have five digits. A proxy's own `{"code": 403}` says nothing about the message. */
function isTwilioCode(code: unknown): code is number {
  return Number.isInteger(code) && (code as number) >= 10_000;
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
