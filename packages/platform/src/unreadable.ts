import { isUtf8 } from "node:buffer";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { HubError, invalid, maxJsonDepth, type Violation } from "@wahub/domain";
import { type Place, placeIn } from "./wire-faults.ts";

/** Where protobuf readers give up. */
const maxMessageDepth = 100;

/**
 * The refusal of bytes that could not be read as a message. A reader says that it gave up, but not where; so the bytes
 * are gone through once more for what has a place: nesting without end, and text that is no UTF-8.
 */
export function unreadable(schema: DescMessage, bytes: Uint8Array, cause?: unknown): HubError {
  const fault = faultIn(schema, bytes);
  if (fault !== undefined) return invalid([fault]);
  return new HubError("invalid", `the request is not a readable ${schema.typeName}`, { cause });
}

function faultIn(schema: DescMessage, bytes: Uint8Array): Violation | undefined {
  try {
    return search(schema, bytes);
  } catch {
    // Torn or garbled: nothing more can be said.
    return undefined;
  }
}

type MapField = DescField & { readonly fieldKind: "map" };

/** A message that is being gone through, or one entry of a map. */
interface Open {
  readonly shape: DescMessage | MapField;
  readonly place: Place;
  readonly end: number;
  /** Messages around it, itself included. */
  readonly depth: number;
  /** Items of its lists so far, by field number. */
  readonly items: Map<number, number>;
}

// Without recursion: what is looked for here is what makes recursion fail.
function search(schema: DescMessage, bytes: Uint8Array): Violation | undefined {
  const reader = new BinaryReader(bytes);
  const open: Open[] = [
    { shape: schema, place: { field: "" }, end: bytes.byteLength, depth: 1, items: new Map<number, number>() },
  ];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (reader.pos >= top.end) {
      open.pop();
      continue;
    }
    const [number, wireType] = reader.tag();
    const content = wireType === WireType.LengthDelimited ? contentOf(top.shape, number) : undefined;
    if (content === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const length = reader.uint32();
    const end = reader.pos + length;
    const place = placeOf(top, number);
    if (content === "text") {
      if (!isUtf8(bytes.subarray(reader.pos, end))) return { ...place, reason: "text is not valid UTF-8" };
      reader.pos = end;
    } else {
      const depth = top.depth + (content.kind === "message" ? 1 : 0);
      if (depth > maxMessageDepth) return { ...place, reason: `is nested more than ${maxJsonDepth} levels deep` };
      open.push({ shape: content, place, end, depth, items: new Map<number, number>() });
    }
  }
  return undefined;
}

/** What a length-delimited field holds; undefined for what is not looked into. */
function contentOf(shape: DescMessage | MapField, number: number): DescMessage | MapField | "text" | undefined {
  if (shape.kind === "field") {
    if (number === 1) return shape.mapKey === ScalarType.STRING ? "text" : undefined;
    return number === 2 ? (shape.message ?? textIf(shape.scalar)) : undefined;
  }
  const field = shape.fields.find((candidate) => candidate.number === number);
  return field?.fieldKind === "map" ? field : (field?.message ?? textIf(field?.scalar));
}

function textIf(scalar: ScalarType | undefined): "text" | undefined {
  return scalar === ScalarType.STRING ? "text" : undefined;
}

/** Inside JSON a place is that of the JSON as a whole. */
function placeOf({ shape, place, items }: Open, number: number): Place {
  if (shape.kind === "field" || shape.typeName.startsWith("google.protobuf.")) return place;
  const field = shape.fields.find((candidate) => candidate.number === number)!;
  if (field.fieldKind !== "list") return placeIn(place, field.name);
  const index = items.get(number) ?? 0;
  items.set(number, index + 1);
  return placeIn(place, field.name, index);
}
