// Writes docs/database.md. What the tables are like is read from the entities; what their columns mean, how they are
// partitioned and which functions there are, from the migrations' SQL. Needs no PostgreSQL: an integration test of the
// store holds the entities against a migrated database.
import { writeFileSync } from "node:fs";
import { entities } from "../packages/store/src/entities/index.ts";
import { migrations } from "../packages/store/src/migrations/index.ts";
import { createOrm } from "../packages/store/src/orm.ts";

const head = `# The database

Generated from the entities and migrations in \`packages/store/src\` by \`npm run generate\`; change those, not this page.

"Of" names the table that a foreign key points at. Ids are UUIDs that begin with a time of creation; only those of parked
callbacks are random. Statuses, a batch's state and sources are the numbers of the proto's enums
([MessageStatus](api.md#messagestatus), [BatchState](api.md#batchstate), [EventSource](api.md#eventsource)). Times are by
the clock of the service that wrote them; \`lease_until\` and \`owned_until\` are by the database's.
`;

// Connects with its first statement, and there is none.
const { orm } = createOrm({ databaseUrl: "postgres://nobody@127.0.0.1/none", applicationName: "docs" });
const statements = migrations.flatMap((migration) => migration.statements);
const columns = columnComments();

const tables = entities.map((entity) => tableSection(orm.getMetadata().get(entity.meta.className)));
const functions = ["## Functions", ["| function | what it does |", "|---|---|", ...functionRows()].join("\n")];
writeFileSync(process.argv[2], `${[head.trimEnd(), ...tables, ...functions].join("\n\n")}\n`);

function tableSection(meta) {
  const known = columns.get(meta.tableName) ?? new Map();
  const described = new Set();
  const rows = meta.props
    .filter((prop) => prop.fieldNames?.length === 1)
    .toSorted((a, b) => positionOf(known, a, meta) - positionOf(known, b, meta))
    .map((prop) => {
      described.add(prop.fieldNames[0]);
      return row(
        `\`${prop.fieldNames[0]}\``,
        typeOf(prop),
        prop.nullable ? "yes" : "",
        defaultOf(prop),
        meaningOf(prop, known),
      );
    });
  const strangers = [...known.keys()].filter((name) => !described.has(name));
  if (strangers.length > 0) throw new Error(`${meta.tableName}: the entity lacks ${strangers.join(", ")}`);
  return [
    `## ${meta.tableName}`,
    `${meta.comment}.`,
    ["| column | type | may be null | default | what it is |", "|---|---|---|---|---|", ...rows].join("\n"),
    indexLines(meta).join("\n"),
    ...partitionLines(meta.tableName),
  ].join("\n\n");
}

/** Columns appear in the order of the SQL that made them. */
function positionOf(known, prop, meta) {
  const position = [...known.keys()].indexOf(prop.fieldNames[0]);
  if (position < 0) throw new Error(`no migration makes the column ${meta.tableName}.${prop.fieldNames[0]}`);
  return position;
}

function typeOf(prop) {
  return prop.autoincrement ? "bigint, counted up" : prop.columnTypes[0];
}

function defaultOf(prop) {
  return prop.defaultRaw === undefined ? "" : `\`${prop.defaultRaw}\``;
}

function meaningOf(prop, known) {
  const target = prop.targetMeta && `Of [${prop.targetMeta.tableName}](#${prop.targetMeta.tableName}).`;
  const comment = known.get(prop.fieldNames[0]);
  return [target, comment && sentence(comment)].filter(Boolean).join(" ");
}

function indexLines(meta) {
  const columnsOf = (names) => names.map((name) => `\`${meta.properties[name].fieldNames[0]}\``).join(", ");
  const where = (index) => (index.where ? ` where \`${index.where}\`` : "");
  return [
    `- Primary key: ${columnsOf(meta.primaryKeys)}`,
    ...meta.props.filter((prop) => prop.unique).map((prop) => `- Unique: ${columnsOf([prop.name])}`),
    ...meta.uniques.map((index) => `- Unique: ${columnsOf(index.properties)}${where(index)}`),
    ...meta.indexes.map((index) => `- Index \`${index.name}\`: ${columnsOf(index.properties)}${where(index)}`),
  ];
}

function partitionLines(table) {
  const [, key] =
    statements
      .map((sql) => new RegExp(`^create table ${table} \\([^]*\\) partition by (.*)$`).exec(sql))
      .find(Boolean) ?? [];
  if (!key) return [];
  return [
    `Partitioned by ${key.replace(/\((.*)\)/, "of `$1`")}: a partition a week, called \`${table}_p<its first day>\`.`,
  ];
}

/** What stands behind each column in the SQL, by table. Columns without a comment have an empty text. */
function columnComments() {
  const found = new Map();
  for (const sql of statements) {
    const [, table] = /^(?:create|alter) table (\w+)/.exec(sql) ?? [];
    if (table === undefined) continue;
    const ofTable = found.get(table) ?? new Map();
    found.set(table, ofTable);
    for (const line of sql.split("\n").slice(1)) {
      const [, name, comment = ""] = /^\s+(?:add column )?(\w+) +[a-z][^-]*?(?:-- (.*))?$/.exec(line) ?? [];
      if (name !== undefined && !["primary", "unique", "constraint"].includes(name)) ofTable.set(name, comment);
    }
  }
  return found;
}

function functionRows() {
  const comments = new Map(
    statements.flatMap((sql) =>
      [...sql.matchAll(/^comment on function (\w+) is '(.*)'$/g)].map(([, name, text]) => [name, text]),
    ),
  );
  return statements.flatMap((sql) => {
    const [, name, parameters, returns] = /^create function (\w+)\((.*)\) returns (\w+)/.exec(sql) ?? [];
    if (name === undefined) return [];
    if (!comments.has(name)) throw new Error(`the function ${name} has no comment`);
    return [row(`\`${name}(${parameters}) returns ${returns}\``, sentence(comments.get(name)))];
  });
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function row(...cells) {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
