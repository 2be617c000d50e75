import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { StructSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { jsonFault, type Violation } from "@wahub/domain";
import { type Place, placeIn } from "@wahub/platform";

/** More are not worth listing. */
const maxFaults = 100;
const maxNameLength = 100;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Why a JSON value is no such message: every field that does not fit, with its place in the words of the proto. The
 * library stops at the first and names the type it is in, which in a list of 50,000 recipients helps nobody.
 */
export function jsonFaults(schema: DescMessage, json: unknown): Violation[] {
  const faults: Violation[] = [];
  for (const fault of faultsOfMessage(schema, json, { field: "" })) {
    faults.push(fault);
    if (faults.length >= maxFaults) break;
  }
  return faults;
}

/** The fault of a field that is not in the proto. */
export function unknownField(at: Place, name: string): Violation {
  const clipped = name.length <= maxNameLength ? name : `${name.slice(0, maxNameLength)}...`;
  return { ...placeIn(at, clipped), reason: "there is no such field" };
}

function* faultsOfMessage(schema: DescMessage, json: unknown, at: Place): Generator<Violation> {
  if (schema.typeName === TimestampSchema.typeName) {
    if (!isTimestamp(json)) yield { ...at, reason: "must be a time like 2030-01-31T08:00:00Z" };
    return;
  }
  if (!isObject(json)) {
    yield { ...at, field: at.field || "body", reason: "must be an object" };
    return;
  }
  if (schema.typeName === StructSchema.typeName) {
    const fault = jsonFault(json);
    if (fault !== undefined) yield { ...at, reason: fault };
    return;
  }
  for (const [name, value] of Object.entries(json)) {
    const field = schema.fields.find((candidate) => candidate.jsonName === name || candidate.name === name);
    if (field === undefined) yield unknownField(at, name);
    else if (value !== null) yield* faultsOfField(schema, field, value, at);
  }
}

function* faultsOfField(schema: DescMessage, field: DescField, value: unknown, at: Place): Generator<Violation> {
  if (field.fieldKind !== "list") {
    yield* faultsOfValue(schema, field, value, placeIn(at, field.name), value);
  } else if (!Array.isArray(value)) {
    yield { ...placeIn(at, field.name), reason: "must be a list" };
  } else {
    for (const [index, item] of (value as unknown[]).entries()) {
      const place = placeIn(at, field.name, index);
      if (item === null) yield { ...place, reason: "must not be null" };
      else yield* faultsOfValue(schema, field, item, place, [item]);
    }
  }
}

/** @param whole the value as the field would hold it if it were the only one */
function* faultsOfValue(
  schema: DescMessage,
  field: DescField,
  value: unknown,
  at: Place,
  whole: unknown,
): Generator<Violation> {
  if (field.fieldKind === "message" || (field.fieldKind === "list" && field.listKind === "message")) {
    yield* faultsOfMessage(field.message, value, at);
    return;
  }
  const reason = scalarFault(field, value) ?? (accepts(schema, field, whole) ? undefined : "the value does not fit");
  if (reason !== undefined) yield { ...at, reason };
}

function scalarFault(field: DescField, value: unknown): string | undefined {
  if (field.scalar === ScalarType.BOOL) return typeof value === "boolean" ? undefined : "must be true or false";
  if (field.scalar !== ScalarType.STRING) return undefined;
  if (typeof value !== "string") return "must be a text";
  return value.isWellFormed() ? undefined : "text contains a lone surrogate";
}

/** Numbers and names of enums have many spellings: the library knows them. */
function accepts(schema: DescMessage, field: DescField, value: unknown): boolean {
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BOOL) return true;
  try {
    fromJson(schema, { [field.jsonName]: value as JsonValue });
    return true;
  } catch {
    return false;
  }
}

function isTimestamp(value: unknown): boolean {
  try {
    fromJson(TimestampSchema, value as JsonValue);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
