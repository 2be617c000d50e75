import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { HubError } from "@wahub/domain";

/**
 * Most values in one request, whatever its size: a number, a text, a list, an object, each counts. A byte or two are
 * enough for one on the wire, and once read it takes a hundred. 50,000 recipients have 15 each.
 */
export const maxValues = 750_000;

/** The words for a request over that limit, on every door. */
export function tooManyValues(): HubError {
  const limit = maxValues.toLocaleString("en-US");
  return new HubError("invalid", `the request has more than ${limit} values in all; send less at a time`);
}

/**
 * How many values a message in the protobuf format holds, as JSON would count them, without reading it: memory does not
 * depend on it. Bytes that are no such message end the count where they go wrong; reading them will tell.
 *
 * @returns stops soon after `limit`
 */
export function countWireValues(schema: DescMessage, bytes: Uint8Array, limit = maxValues): number {
  const open: Open[] = [{ shape: shapeOf(schema), end: bytes.byteLength, free: 0 }];
  const at = { pos: 0 };
  let count = 0;
  for (let top = open.at(-1)!; count <= limit;) {
    if (at.pos >= top.end) {
      open.pop();
      if (open.length === 0) return count;
      top = open.at(-1)!;
      continue;
    }
    const tag = varint(bytes, at);
    if (top.free > 0) top.free -= 1;
    else count += 1;
    const wireType = tag & 7;
    if (wireType === 0) varint(bytes, at);
    else if (wireType === 1) at.pos += 8;
    else if (wireType === 5) at.pos += 4;
    else if (wireType === 2) {
      const length = varint(bytes, at);
      const end = at.pos + length;
      if (!(end <= top.end)) return count;
      const inner = top.shape.fields.get(tag >>> 3);
      if (inner === undefined) at.pos = end;
      else if (typeof inner !== "object") count += packedItems(bytes, at, end, inner);
      else {
        top = { shape: inner, end, free: inner.free };
        open.push(top);
      }
    } else if (wireType > 5) return count;
    if (at.pos > bytes.byteLength) return count;
  }
  return count;
}

/** A message, or an entry of a map, whose fields are being gone through. */
interface Open {
  readonly shape: Shape;
  readonly end: number;
  /** Fields that are still to come and are no values of their own. */
  free: number;
}

interface Shape {
  /** What is inside the length-delimited fields that are looked into, by number. */
  readonly fields: Map<number, Shape | Packed>;
  /** Fields that only wrap a value that has been counted: key and value of an entry, the kind of a `Value`. */
  readonly free: number;
}

/** Numbers in a row: how many bytes each has; 0 where each says so itself. */
type Packed = 0 | 4 | 8;

const shapes = new WeakMap<DescMessage, Shape>();

function shapeOf(schema: DescMessage): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const fields = new Map<number, Shape | Packed>();
  const shape: Shape = { fields, free: schema.typeName === "google.protobuf.Value" ? 1 : 0 };
  // Before its fields are looked at: messages may hold themselves.
  shapes.set(schema, shape);
  for (const field of schema.fields) {
    const inner = contentOf(field);
    if (inner !== undefined) fields.set(field.number, inner);
  }
  return shape;
}

function contentOf(field: DescField): Shape | Packed | undefined {
  if (field.fieldKind === "map") {
    const value = field.message === undefined ? [] : [[2, shapeOf(field.message)] as const];
    return { fields: new Map(value), free: 2 };
  }
  if (field.message !== undefined) return shapeOf(field.message);
  if (field.fieldKind !== "list") return undefined;
  if (field.listKind === "enum") return 0;
  return field.scalar === undefined ? undefined : packedSize(field.scalar);
}

function packedSize(scalar: ScalarType): Packed | undefined {
  if (scalar === ScalarType.STRING || scalar === ScalarType.BYTES) return undefined;
  if ([ScalarType.DOUBLE, ScalarType.FIXED64, ScalarType.SFIXED64].includes(scalar)) return 8;
  return [ScalarType.FLOAT, ScalarType.FIXED32, ScalarType.SFIXED32].includes(scalar) ? 4 : 0;
}

function packedItems(bytes: Uint8Array, at: { pos: number }, end: number, size: Packed): number {
  const begin = at.pos;
  at.pos = end;
  if (size > 0) return Math.floor((end - begin) / size);
  let items = 0;
  // The last byte of each has its highest bit clear.
  for (let pos = begin; pos < end; pos += 1) if (bytes[pos]! < 0x80) items += 1;
  return items;
}

/** Good enough for tags and lengths; of a longer number only the lower bits count, and nobody looks at them. */
function varint(bytes: Uint8Array, at: { pos: number }): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[at.pos++]!;
    if (shift < 28) value |= (byte & 0x7f) << shift;
    else if (shift === 28) value = (value | ((byte & 0x0f) << shift)) >>> 0;
    if (!(byte >= 0x80)) break;
  }
  return value;
}
