import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorKindName, HubError, Violation } from "@wahub/domain";
import type { ListMessagesRequestSchema, UnknownResolution } from "@wahub/proto";

export type DoorName = "gRPC" | "gRPC stream" | "Connect binary" | "Connect JSON" | "gRPC-Web" | "REST";

/** A BulkSend in words that every door has. */
export interface Order {
  readonly text?: string;
  readonly recipients?: readonly { readonly phone: string; readonly metadata?: JsonObject }[];
  readonly metadata?: JsonObject;
  readonly allOrNothing?: boolean;
  readonly idempotencyKey?: string;
  /** RFC 3339. */
  readonly expiresAt?: string;
}

/** What is done to a batch that exists. */
export interface Control {
  readonly method: "pauseBatch" | "resumeBatch" | "cancelBatch" | "resolveUnknown";
  readonly batchId: string;
  /** Only for pausing. */
  readonly reason?: string;
  /** Only for resolving. */
  readonly resolution?: UnknownResolution;
  readonly messageIds?: string[];
}

/** A call, before any door has given it a form. */
export type Request =
  | { readonly order: Order }
  /** A BulkSend as the bytes of its message, whatever they are. */
  | { readonly bytes: Uint8Array }
  /** A BulkSend as JSON text, whatever it is: in the words of the proto and in those of POST /bulk-send. */
  | { readonly json: string; readonly restJson: string }
  | { readonly control: Control }
  | { readonly getBatch: string }
  | { readonly getMessage: string }
  | { readonly watchBatch: string }
  | { readonly listMessages: MessageInitShape<typeof ListMessagesRequestSchema> };

/** What a door says, in words that every door has: fields are named as in the proto. */
export type Answer = Accepted | Refusal;

export interface Accepted {
  readonly accepted: number;
  readonly messageIds?: readonly string[];
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

export interface Refusal {
  readonly kind: ErrorKindName;
  readonly message: string;
  readonly violations: readonly Violation[];
  /** Name of the gRPC code, where the door speaks of one. */
  readonly code?: string;
  /** Where the door shows it. */
  readonly httpStatus?: number;
}

/** One way into the hub. */
export interface Door {
  readonly name: DoorName;
  /** Makes the call; undefined if the door has no form for it. `authorization` is the whole value of the header. */
  send(request: Request, authorization: string | undefined): Promise<Answer | undefined>;
  close(): void;
}

/** What calls answer that send nothing, when they are not refused. */
export const fine: Accepted = { accepted: 0, rejected: [] };

export function refusalOf(error: HubError, shown: { code?: string; httpStatus?: number }): Refusal {
  return { kind: error.kind, message: error.message, violations: error.violations, ...shown };
}

/** Protobuf has no bytes for half a surrogate pair: it would arrive as another character. */
export function hasLoneSurrogate(order: Order): boolean {
  // JSON.stringify leaves whole pairs alone; behind one more backslash it is text.
  return /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(JSON.stringify(order));
}
