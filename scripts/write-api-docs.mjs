// Writes docs/api.md from the protos: services, RPCs, messages, fields and enums with their comments, and the validation
// rules in words. buf compiles the protos with their comments, which generated code does not carry.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { wordsOfField, wordsOfOneof } from "./validation-words.mjs";

const head = `# The API, call by call

Generated from the protos in \`proto/whatsapphub\` by \`npm run generate\`; change those, not this page. How to call it from
the command line and from programs is in [calling.md](calling.md), what a refused call says in [errors.md](errors.md).

As JSON, names are in camel case (\`idempotency_key\` is \`idempotencyKey\`), enum values are their names, times are RFC 3339
texts and durations seconds with an \`s\`. A field that is not set has its zero value: an empty text, 0, false, no entries.
`;

/** How the types of the protobuf library appear here. */
const wellKnown = {
  "google.protobuf.Struct": "JSON object",
  "google.protobuf.Timestamp": "time",
  "google.protobuf.Duration": "duration",
};

const files = compile().filter((file) => file.proto.package.startsWith("whatsapphub."));
const order = (file) => (file.proto.package.includes(".jobs.") ? 2 : file.services.length > 0 ? 0 : 1);
const page = files.toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1)).map(fileSection);
writeFileSync(process.argv[2], `${[head.trimEnd(), ...page].join("\n\n")}\n`);

function compile() {
  const buf = join("node_modules", ".bin", "buf");
  const { status, stdout, stderr, error } = spawnSync(buf, [
    "build",
    "--path",
    "proto/whatsapphub",
    "-o",
    "-#format=binpb",
  ]);
  if (status !== 0) throw new Error(error?.message ?? stderr.toString());
  return [...createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout)).files];
}

function fileSection(file) {
  const commentOf = comments(file);
  const job = file.proto.package.includes(".jobs.");
  return [
    `## ${file.name}.proto`,
    ...(job ? ["Inside the hub only: what lies in Redis. No caller sees it."] : []),
    ...file.services.flatMap((service, at) => serviceSection(service, [6, at], commentOf)),
    ...file.messages.map((message, at) => messageSection(message, [4, at], commentOf)),
    ...file.enums.map((type, at) => enumSection(type, [5, at], commentOf)),
  ].join("\n\n");
}

function serviceSection(service, path, commentOf) {
  return [
    `### ${service.name}`,
    `\`${service.typeName}\`. ${commentOf(path)}`,
    ...service.methods.map((method, at) => {
      const side = (streams, desc) => `${streams ? "stream of " : ""}${link(desc)}`;
      const { clientStreaming, serverStreaming } = method.proto;
      const signature = `${side(clientStreaming, method.input)} → ${side(serverStreaming, method.output)}`;
      return `#### ${method.name}\n\n${signature}\n\n${commentOf([...path, 2, at])}${safety(method)}`;
    }),
  ];
}

function safety({ idempotency, methodKind }) {
  if (idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) return "";
  return methodKind === "unary" ? " It changes nothing; Connect also takes it by GET." : " It changes nothing.";
}

function messageSection(message, path, commentOf) {
  if (message.nestedMessages.length + message.nestedEnums.length > 0) throw new Error(`${message}: nested types`);
  const rows = message.fields.map((field, at) => {
    const rules = wordsOfField(field).map((words) => `${words}.`);
    return row(`\`${field.name}\``, typeOf(field), [commentOf([...path, 2, at]), ...rules].join(" "));
  });
  return [
    `### ${message.name}`,
    ...[commentOf(path)].filter(Boolean),
    ["| field | type | what it is |", "|---|---|---|", ...rows].join("\n"),
    ...message.oneofs.flatMap((oneof) => {
      const names = oneof.fields.map((field) => `\`${field.name}\``);
      return [
        [`\`${oneof.name}\` is one of ${names.join(", ")}.`, ...wordsOfOneof(oneof).map((w) => `${w}.`)].join(" "),
      ];
    }),
  ].join("\n\n");
}

function enumSection(type, path, commentOf) {
  const rows = type.values.map((value, at) =>
    row(String(value.number), `\`${value.name}\``, value.number === 0 ? "Not said." : commentOf([...path, 2, at])),
  );
  return [
    `### ${type.name}`,
    ...[commentOf(path)].filter(Boolean),
    ["| number | name | meaning |", "|---|---|---|", ...rows].join("\n"),
  ].join("\n\n");
}

function typeOf(field) {
  if (field.fieldKind === "map") throw new Error(`${field}: maps have no words here yet`);
  const one = field.message
    ? link(field.message)
    : field.enum
      ? link(field.enum)
      : ScalarType[field.scalar].toLowerCase();
  if (field.fieldKind === "list") return `list of ${one}`;
  return field.proto.proto3Optional ? `${one}, or absent` : one;
}

function link(desc) {
  if (wellKnown[desc.typeName]) return wellKnown[desc.typeName];
  return `[${desc.name}](#${desc.name.toLowerCase()})`;
}

/** Looks a comment up by the path of what it stands above, as FileDescriptorProto counts paths. */
function comments(file) {
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  const byPath = new Map(locations.map(({ path, leadingComments }) => [path.join(), leadingComments]));
  return (path) =>
    (byPath.get(path.join()) ?? "")
      .split("\n")
      .map((line) => line.trim())
      .join(" ")
      .trim();
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").trim()).join(" | ")} |`;
}
