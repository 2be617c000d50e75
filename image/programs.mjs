// Which programs the image has, each by the word that `docker run whatsapp-hub <word>` picks it with.
import { existsSync } from "node:fs";

const services = ["gateway", "dispatch", "sender", "webhook-ingest", "status-query"];

const gateway = "../services/gateway/src/main";
/** The image has what was compiled; its stage `development` and a checkout have the sources. */
const kind = existsSync(new URL(`${gateway}.js`, import.meta.url)) ? "js" : "ts";

/** Word and file that runs the program, relative to this folder. */
export const programs = new Map([
  ...services.map((name) => [name, `../services/${name}/src/main.${kind}`]),
  ["migrate", `../packages/store/src/migrate-main.${kind}`],
  ["audit", `../packages/store/src/audit-main.${kind}`],
  ["sim", `../tools/twilio-sim/src/main.${kind}`],
]);

/** What has the same imports as the programs and starts nothing when it is imported. */
export const modulesToCompile = [
  ...services.flatMap((name) => [`../services/${name}/src/app.js`, `../services/${name}/src/config.js`]),
  "../packages/store/src/migrate.js",
  "../packages/store/src/audit-all.js",
  "../packages/store/src/audit-table.js",
  "../tools/twilio-sim/src/process.js",
];
