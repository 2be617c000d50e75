// The validation rules of a proto in words, for docs/api.md. Rules it has no words for are an error: whoever uses a new
// kind of rule adds its words here.
import { getOption, hasOption } from "@bufbuild/protobuf";
import { field as fieldRules, oneof as oneofRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** What a field has to fulfil, as sentences without a full stop; none where everything is fine. */
export function wordsOfField(field) {
  if (!hasOption(field, fieldRules)) return [];
  const { required, type, ...rest } = ownFields(getOption(field, fieldRules));
  refuseUnknown(field, "field", rest);
  return [...(required ? ["Required"] : []), ...(type?.case ? wordsOf(field, type.case, type.value) : [])];
}

/** The same of a oneof. */
export function wordsOfOneof(oneof) {
  if (!hasOption(oneof, oneofRules)) return [];
  const { required, ...rest } = ownFields(getOption(oneof, oneofRules));
  refuseUnknown(oneof, "oneof", rest);
  return required ? ["Exactly one of them is set"] : [];
}

function wordsOf(field, kind, rules) {
  switch (kind) {
    case "string": {
      const { maxLen, wellKnown, ...rest } = ownFields(rules);
      refuseUnknown(field, kind, rest);
      if (wellKnown?.case !== undefined && wellKnown.case !== "uuid") refuseUnknown(field, kind, { wellKnown });
      return [
        ...(maxLen === undefined ? [] : [`At most ${count(maxLen)} characters`]),
        ...(wellKnown?.case === "uuid" ? ["A UUID"] : []),
      ];
    }
    case "int32": {
      const { lessThan, greaterThan, ...rest } = ownFields(rules);
      refuseUnknown(field, kind, rest);
      if (lessThan?.case !== "lte" || greaterThan?.case !== "gte") refuseUnknown(field, kind, { bounds: true });
      return [`From ${count(greaterThan.value)} to ${count(lessThan.value)}`];
    }
    case "enum": {
      const { definedOnly, notIn = [], ...rest } = ownFields(rules);
      refuseUnknown(field, kind, rest);
      const names = notIn.map((number) => `\`${field.enum.value[number].name}\``);
      return [
        ...(definedOnly ? ["A value of the enum"] : []),
        ...(names.length > 0 ? [`Not ${names.join(" or ")}`] : []),
      ];
    }
    case "repeated": {
      const { minItems, maxItems, items, ...rest } = ownFields(rules);
      refuseUnknown(field, kind, rest);
      const least = minItems === undefined ? "At most" : `${count(minItems)} to`;
      const ofEach = items?.type.case ? wordsOf(field, items.type.case, items.type.value) : [];
      return [
        ...(maxItems === undefined ? [] : [`${least} ${count(maxItems)} of them`]),
        ...ofEach.map((words) => `Each: ${words.charAt(0).toLowerCase()}${words.slice(1)}`),
      ];
    }
    default:
      return refuseUnknown(field, kind, { [kind]: true });
  }
}

/** What is set in a message of rules. */
function ownFields(rules) {
  return Object.fromEntries(Object.entries(rules).filter(([name, value]) => !name.startsWith("$") && isSet(value)));
}

function isSet(value) {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && "case" in value ? value.case !== undefined : value !== false && value !== 0;
}

function refuseUnknown(desc, kind, rest) {
  if (Object.keys(rest).length === 0) return [];
  throw new Error(
    `${desc}: scripts/validation-words.mjs has no words for ${kind} rules ${Object.keys(rest).join(", ")}`,
  );
}

function count(number) {
  return Number(number).toLocaleString("en-US");
}
