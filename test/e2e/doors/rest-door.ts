import { type ErrorKindName, HubError, type Violation } from "@wahub/domain";
import { type Answer, type Door, refusalOf, type Request } from "./door.ts";
import { restJsonOf } from "./order-forms.ts";

interface RestRefusal {
  readonly error: { readonly kind: ErrorKindName; readonly message: string; readonly violations: readonly Violation[] };
}
interface RestAnswer {
  readonly queued: number;
  readonly job_ids: readonly string[];
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
}

/** `POST /bulk-send`, which takes BulkSend only. */
export function openRestDoor(gateway: string): Door {
  return {
    name: "REST",
    async send(request, authorization) {
      const body = bodyOf(request);
      const key = "order" in request ? request.order.idempotencyKey : undefined;
      // A header carries visible characters only.
      if (body === undefined || (key !== undefined && !/^[!-~]+$/.test(key))) return undefined;
      const response = await fetch(`${gateway}/bulk-send`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(authorization === undefined ? {} : { authorization }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        body,
      });
      if (!response.ok) return refused(response.status, (await response.json()) as RestRefusal);
      const { queued, job_ids: messageIds, rejected } = (await response.json()) as RestAnswer;
      return { accepted: queued, messageIds, rejected };
    },
    close() {},
  };
}

function bodyOf(request: Request): string | undefined {
  // It has no field for a time.
  if ("order" in request) return request.order.expiresAt === undefined ? restJsonOf(request.order) : undefined;
  return "json" in request ? request.restJson : undefined;
}

function refused(httpStatus: number, { error }: RestRefusal): Answer {
  const violations = error.violations.map((violation) => ({ ...violation, field: protoField(violation.field) }));
  const [named] = error.violations;
  const message = named === undefined ? error.message : error.message.replace(named.field, () => violations[0]!.field);
  return refusalOf(new HubError(error.kind, message, { violations }), { httpStatus });
}

/** REST has names of its own for two fields. */
function protoField(field: string): string {
  return { message: "content.text.body", "Idempotency-Key": "idempotency_key" }[field] ?? field;
}
