import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { HubError } from "@wahub/domain";
import { createGrpcClient } from "@wahub/platform";
import { BulkSendRequestSchema, type BulkSendStreamRequestSchema, DispatchService } from "@wahub/proto";
import { type Accepted, type Door, hasLoneSurrogate, type Order } from "./door.ts";
import { maxMessageBytes, refusalOfGrpcError } from "./grpc-door.ts";
import { messageOf } from "./order-forms.ts";

type Part = MessageInitShape<typeof BulkSendStreamRequestSchema>;

const recipientsPerChunk = 10_000;

/** `BulkSendStream`, which only gRPC carries. */
export function openGrpcStreamDoor(target: string): Door {
  const dispatch = createGrpcClient(DispatchService, target, { maxMessageBytes });

  async function send(order: Order, authorization: string | undefined): Promise<Accepted> {
    const { acceptedCount, rejected } = await dispatch.bulkSendStream(partsOf(order), { authorization });
    return { accepted: acceptedCount, rejected: rejected.map(({ index, reason }) => ({ index, reason })) };
  }

  return {
    name: "gRPC stream",
    async send(request, authorization) {
      if (!("order" in request) || hasLoneSurrogate(request.order)) return undefined;
      try {
        return await send(request.order, authorization);
      } catch (error) {
        throwUnlessRefusal(error);
        return refusalOfGrpcError(inWordsOfBulkSend(error));
      }
    },
    close: () => dispatch.close(),
  };
}

async function* partsOf(order: Order): AsyncGenerator<Part> {
  const { recipients, content, metadata, idempotencyKey, allOrNothing, expiresAt } = create(
    BulkSendRequestSchema,
    messageOf(order),
  );
  const choices = {
    ...(metadata === undefined ? {} : { metadata }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  const header = { content, idempotencyKey, allOrNothing, ...choices };
  yield { part: { case: "header", value: header } };
  for (let at = 0; at < recipients.length; at += recipientsPerChunk) {
    yield { part: { case: "recipients", value: { recipients: recipients.slice(at, at + recipientsPerChunk) } } };
  }
}

function throwUnlessRefusal(error: unknown): asserts error is HubError {
  if (!(error instanceof HubError)) throw error;
}

/** What is one message elsewhere comes in parts here, which fields that cannot be read are named by. */
function inWordsOfBulkSend(error: HubError): HubError {
  const whole = (text: string): string =>
    text.replace(/^header\./, "").replace(/^recipients\.recipients\[/, "recipients[");
  return new HubError(error.kind, whole(error.message), {
    violations: error.violations.map((violation) => ({ ...violation, field: whole(violation.field) })),
    cause: error.cause,
  });
}
