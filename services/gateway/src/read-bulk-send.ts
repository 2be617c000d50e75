import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import { HubError, invalid, type Violation } from "@wahub/domain";
import { wireFaults } from "@wahub/platform";
import { type BulkSendRequest, BulkSendRequestSchema, type RecipientSchema } from "@wahub/proto";
import { unknownField } from "./json-faults.ts";

/** A `POST /bulk-send`, understood. */
export interface BulkSendCall {
  readonly request: BulkSendRequest;
  /** The name under which the caller lists the recipients. */
  readonly list: RecipientList;
}

type RecipientList = "recipients" | "phone_numbers";
type RecipientInit = MessageInitShape<typeof RecipientSchema>;
type JsonBody = Readonly<Record<string, unknown>>;

const fields = new Set(["recipients", "phone_numbers", "message", "metadata", "all_or_nothing"]);
const recipientFields = new Set(["phone", "phone_number", "metadata"]);

/** More faults are only counted. */
const maxListedFaults = 1000;

/**
 * Reads the body of the call, reporting every fault in its shape; what the values mean (numbers, lengths) is for
 * dispatch to judge, the same for every door.
 *
 * @throws HubError `invalid`
 */
export function readBulkSend(body: unknown, idempotencyKey: string | undefined): BulkSendCall {
  if (!isObject(body)) throw invalid([{ field: "body", reason: "must be an object" }]);
  const list: RecipientList = "phone_numbers" in body ? "phone_numbers" : "recipients";
  const recipients = body[list];
  const faults = [
    ...unknownFields(body, fields, ""),
    ...expect("Idempotency-Key", idempotencyKey === "", "must not be empty; leave the header out for no key"),
    ...expect("message", typeof body["message"] !== "string", "must be a text"),
    ...expect("phone_numbers", "phone_numbers" in body && "recipients" in body, "give either this or recipients"),
    ...expect(list, !Array.isArray(recipients), "must be a list"),
    ...(Array.isArray(recipients) ? recipientFaults(recipients, list) : []),
    ...expect("metadata", !isObjectOrAbsent(body["metadata"]), "must be an object"),
    ...expect(
      "all_or_nothing",
      !["boolean", "undefined"].includes(typeof body["all_or_nothing"]),
      "must be true or false",
    ),
  ];
  refuseIfAny(faults);
  const request = create(BulkSendRequestSchema, {
    idempotencyKey: idempotencyKey ?? "",
    content: { kind: { case: "text", value: { body: body["message"] as string } } },
    recipients: (recipients as unknown[]).map(recipientOf),
    allOrNothing: body["all_or_nothing"] === true,
    ...metadataOf(body),
  });
  refuseIfAny(
    wireFaults(BulkSendRequestSchema, request).map((fault) => ({
      ...fault,
      field: restField(fault.field, list, recipients),
    })),
  );
  return { list, request };
}

/** A refusal by dispatch, with the fields named as this door names them. */
export function inRestWords(error: HubError, list: RecipientList, recipients: unknown): HubError {
  const [first] = error.violations;
  if (first === undefined) return error;
  const rename = (field: string): string => restField(field, list, recipients);
  return new HubError(
    error.kind,
    error.message.replace(first.field, () => rename(first.field)),
    {
      violations: error.violations.map((violation) => ({ ...violation, field: rename(violation.field) })),
      cause: error,
    },
  );
}

function restField(field: string, list: RecipientList, recipients: unknown): string {
  if (field === "content" || field.startsWith("content.")) return "message";
  if (field === "idempotency_key") return "Idempotency-Key";
  const [, index, rest] = /^recipients\[(\d+)\](.*)$/.exec(field) ?? [];
  if (index === undefined) return field === "recipients" ? list : field;
  const given: unknown = Array.isArray(recipients) ? recipients[Number(index)] : undefined;
  if (rest !== ".phone") return `${list}[${index}]${rest}`;
  return `${list}[${index}]${!isObject(given) ? "" : "phone" in given ? ".phone" : ".phone_number"}`;
}

function recipientFaults(recipients: readonly unknown[], list: RecipientList): Violation[] {
  return recipients.flatMap((recipient, index) => {
    const field = `${list}[${index}]`;
    if (typeof recipient === "string") return [];
    if (!isObject(recipient))
      return [{ field, index, reason: "must be a phone number as text, or { phone, metadata }" }];
    const name = "phone_number" in recipient ? "phone_number" : "phone";
    return [
      ...unknownFields(recipient, recipientFields, field),
      ...expect(
        `${field}.phone_number`,
        "phone" in recipient && "phone_number" in recipient,
        "give either this or phone",
      ),
      ...expect(`${field}.${name}`, typeof recipient[name] !== "string", "must be a text"),
      ...expect(`${field}.metadata`, !isObjectOrAbsent(recipient["metadata"]), "must be an object"),
    ].map((fault) => ({ ...fault, index }));
  });
}

function recipientOf(recipient: unknown): RecipientInit {
  if (typeof recipient === "string") return { phone: recipient };
  const given = recipient as JsonBody;
  return { phone: (given["phone"] ?? given["phone_number"]) as string, ...metadataOf(given) };
}

function metadataOf(body: JsonBody): { metadata?: JsonObject } {
  return isObject(body["metadata"]) ? { metadata: body["metadata"] as JsonObject } : {};
}

function unknownFields(body: JsonBody, known: ReadonlySet<string>, field: string): Violation[] {
  return Object.keys(body)
    .filter((name) => !known.has(name))
    .map((name) => unknownField({ field }, name));
}

function expect(field: string, isFault: boolean, reason: string): Violation[] {
  return isFault ? [{ field, reason }] : [];
}

function refuseIfAny(faults: readonly Violation[]): void {
  if (faults.length === 0) return;
  const { message } = invalid(faults);
  throw new HubError("invalid", message, { violations: faults.slice(0, maxListedFaults) });
}

function isObject(value: unknown): value is JsonBody {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Absent and null are the same in this API. */
function isObjectOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || isObject(value);
}
