import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { BulkSendRequestSchema, type BulkSendResponse } from "@wahub/proto";
import type { Accepted, Order } from "./door.ts";

type BulkSendInit = MessageInitShape<typeof BulkSendRequestSchema>;

/** The order as a message. */
export function messageOf(order: Order): BulkSendInit {
  const { text, recipients, metadata, allOrNothing, idempotencyKey, expiresAt } = order;
  return {
    ...(text === undefined ? {} : { content: { kind: { case: "text", value: { body: text } } } }),
    ...(recipients === undefined ? {} : { recipients: [...recipients] }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(allOrNothing === undefined ? {} : { allOrNothing }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromDate(new Date(expiresAt)) }),
  };
}

export function bytesOf(order: Order): Uint8Array {
  return toBinary(BulkSendRequestSchema, create(BulkSendRequestSchema, messageOf(order)));
}

/** The order as proto JSON; undefined where JSON cannot say it. */
export function protoJsonOf({ text, ...rest }: Order): string | undefined {
  return jsonText({ ...(text === undefined ? {} : { content: { text: { body: text } } }), ...rest });
}

/** The order as the body of POST /bulk-send, which takes the key as a header. */
export function restJsonOf({ text, recipients, metadata, allOrNothing }: Order): string | undefined {
  return jsonText({ message: text, recipients, metadata, all_or_nothing: allOrNothing });
}

export function acceptedOf(answer: BulkSendResponse): Accepted {
  return {
    accepted: answer.acceptedCount,
    messageIds: answer.messageIds.filter((id) => id !== ""),
    rejected: answer.rejected.map(({ index, reason }) => ({ index, reason })),
  };
}

/** JSON has no NaN; a number that is too large for a double is read as Infinity. */
function jsonText(value: unknown): string | undefined {
  let sayable = true;
  const text = JSON.stringify(value, (_name, inner: unknown) => {
    if (Number.isNaN(inner)) sayable = false;
    return inner === Infinity ? "@infinity@" : inner;
  });
  return sayable ? text.replaceAll('"@infinity@"', "1e999") : undefined;
}
