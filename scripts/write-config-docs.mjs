// Writes docs/config.md from the services' config schemas, which are the only place a setting is declared.
import { writeFileSync } from "node:fs";
import { describeConfig } from "../packages/platform/src/index.ts";

const services = ["gateway", "dispatch", "sender", "webhook-ingest", "status-query"];

let page = `# Settings

Generated from \`services/*/src/config.ts\` by \`npm run generate\`; change the schema, not this page. Every service reads
its settings from environment variables, checks them all at start, and reports every fault at once. An empty value
counts as not set.
`;
for (const service of services) {
  const { config } = await import(`../services/${service}/src/config.ts`);
  page += `\n## ${service}\n\n| variable | default | what it is |\n|---|---|---|\n`;
  for (const row of describeConfig(config)) {
    const value = row.required ? "**required**" : row.default === "" ? "" : `\`${row.default}\``;
    page += `| \`${row.name}\` | ${value} | ${row.doc}${row.secret ? " *Secret.*" : ""} |\n`;
  }
}
writeFileSync(process.argv[2], page);
