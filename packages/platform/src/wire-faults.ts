import type { DescField, DescMessage, MessageShape } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { jsonFault, type Violation } from "@wahub/domain";

type Message = MessageShape<DescMessage>;

/** Where in a request something stands: the path in the words of the proto, and the index in the innermost list. */
export interface Place {
  readonly field: string;
  readonly index?: number;
}

/** More are not worth listing. */
const maxFaults = 100;

/**
 * What one door can take in and another cannot carry on: half a surrogate pair (UTF-8 has no bytes for it), numbers that
 * are not finite (JSON has none), JSON nested without end. Asked wherever a request comes in, so that every door refuses
 * the same.
 */
export function wireFaults(schema: DescMessage, message: Message): Violation[] {
  const faults: Violation[] = [];
  visit(schema, message, { field: "" }, (fault) => faults.push(fault) < maxFaults);
  return faults;
}

/** The place of a field's value inside `parent`; of one item where `index` is given. */
export function placeIn(parent: Place, name: string, index?: number): Place {
  const field = parent.field === "" ? name : `${parent.field}.${name}`;
  return index === undefined ? { ...parent, field } : { field: `${field}[${index}]`, index };
}

/** @returns false when enough has been found */
type Report = (fault: Violation) => boolean;

function visit(schema: DescMessage, message: Message, at: Place, report: Report): boolean {
  return schema.fields.every((field) => {
    const value = valueOf(message, field);
    if (value === undefined) return true;
    // No request of ours has a map, apart from those inside a Struct.
    if (!Array.isArray(value)) return visitValue(field, value, at, undefined, report);
    return value.every((item, index) => visitValue(field, item, at, index, report));
  });
}

function visitValue(field: DescField, value: unknown, at: Place, index: number | undefined, report: Report): boolean {
  const place = (): Place => placeIn(at, field.name, index);
  if (typeof value === "string") {
    return value.isWellFormed() || report({ ...place(), reason: "text contains a lone surrogate" });
  }
  const inner = field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined;
  if (inner === undefined) return true;
  if (inner.typeName !== StructSchema.typeName) return visit(inner, value as Message, place(), report);
  const fault = jsonFault(value);
  return fault === undefined || report({ ...place(), reason: fault });
}

function valueOf(message: Message, field: DescField): unknown {
  const own = message as unknown as Readonly<Record<string, unknown>>;
  if (field.oneof === undefined) return own[field.localName];
  const chosen = own[field.oneof.localName] as { readonly case?: string; readonly value?: unknown };
  return chosen.case === field.localName ? chosen.value : undefined;
}
