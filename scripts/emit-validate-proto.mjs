// Writes buf/validate/validate.proto, which our protos import and no npm package ships, from the descriptor inside
// @bufbuild/protovalidate. Custom options of the file itself (defaults, comments) are not needed and left out.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { file_buf_validate_validate as file } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const scalarTypes = {
  1: "double",
  2: "float",
  3: "int64",
  4: "uint64",
  5: "int32",
  6: "fixed64",
  7: "fixed32",
  8: "bool",
  9: "string",
  12: "bytes",
  13: "uint32",
  15: "sfixed32",
  16: "sfixed64",
  17: "sint32",
  18: "sint64",
};
const labels = { 1: "optional ", 2: "required ", 3: "repeated " };
const lastFieldNumber = 536_870_911;

const { proto } = file;
const lines = [
  "// Written by scripts/emit-validate-proto.mjs from @bufbuild/protovalidate; copyright Buf Technologies, Inc.,",
  "// Apache-2.0. Do not edit.",
  'syntax = "proto2";',
  `package ${proto.package};`,
  ...proto.dependency.map((path) => `import "${path}";`),
  ...proto.enumType.flatMap((type) => enumLines(type)),
  ...proto.messageType.flatMap((type) => messageLines(type)),
  ...[...Map.groupBy(proto.extension, (field) => field.extendee)].flatMap(([extendee, fields]) =>
    block(
      `extend ${extendee}`,
      fields.map((field) => fieldLine(field)),
    ),
  ),
];
const target = process.argv[2];
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${lines.join("\n")}\n`);

function block(head, body) {
  return [`${head} {`, ...body.map((line) => `  ${line}`), "}"];
}

function enumLines(type) {
  return block(`enum ${type.name}`, [
    ...(type.options?.allowAlias ? ["option allow_alias = true;"] : []),
    ...type.value.map((value) => `${value.name} = ${value.number};`),
    ...type.reservedRange.map(({ start, end }) => `reserved ${range(start, end)};`),
  ]);
}

function messageLines(type) {
  const ofOneof = (index) => type.field.filter((field) => isInOneof(field) && field.oneofIndex === index);
  return block(`message ${type.name}`, [
    ...type.extensionRange.map(({ start, end }) => `extensions ${range(start, end - 1)};`),
    ...type.reservedRange.map(({ start, end }) => `reserved ${range(start, end - 1)};`),
    ...(type.reservedName.length > 0 ? [`reserved ${type.reservedName.map((name) => `"${name}"`).join(", ")};`] : []),
    ...type.enumType.flatMap((nested) => enumLines(nested)),
    ...type.nestedType.flatMap((nested) => messageLines(nested)),
    ...type.field.filter((field) => !isInOneof(field)).map((field) => fieldLine(field)),
    ...type.oneofDecl.flatMap((oneof, index) =>
      block(
        `oneof ${oneof.name}`,
        ofOneof(index).map((field) => fieldLine(field, true)),
      ),
    ),
  ]);
}

function isInOneof(field) {
  return Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
}

function fieldLine(field, inOneof = false) {
  const packed = field.options?.packed ? " [packed = true]" : "";
  const type = scalarTypes[field.type] ?? field.typeName;
  return `${inOneof ? "" : labels[field.label]}${type} ${field.name} = ${field.number}${packed};`;
}

function range(first, last) {
  if (last >= lastFieldNumber) return `${first} to max`;
  return last > first ? `${first} to ${last}` : `${first}`;
}
