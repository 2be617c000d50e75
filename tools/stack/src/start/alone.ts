// `npm run service -- <name>`, `npm run migrate` and `npm run audit`: one program by itself, told by the environment and .env.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PROJECT_ROOT } from "../project.ts";
import { SERVICE_NAMES } from "../service-name.ts";
import { ENV_FILE, readEnvFile, withEnvFile } from "./environment.ts";
import { withPortsOf } from "./ports.ts";

const EXIT_USAGE = 64;

const [what, name] = process.argv.slice(2);
const service = SERVICE_NAMES.find((one) => one === name);

if (what === "migrate" || what === "audit") {
  Object.assign(process.env, withEnvFile(process.env, readEnvFile(ENV_FILE)));
  await run(`packages/store/src/${what}-main.ts`);
} else if (what === "service" && service !== undefined) {
  Object.assign(process.env, withPortsOf(service, withEnvFile(process.env, readEnvFile(ENV_FILE))));
  if (service === "sender" && !process.env["TWILIO_API_BASE_URL"])
    console.error("TWILIO_API_BASE_URL is not set: this sender sends through Twilio itself.");
  await run(`services/${service}/src/main.ts`);
} else {
  console.error(`usage: npm run service -- <name>, one of ${SERVICE_NAMES.join(", ")}`);
  process.exitCode = EXIT_USAGE;
}

/** In this process, so that signals and the exit code are the program's own. */
async function run(file: string): Promise<void> {
  await import(pathToFileURL(join(PROJECT_ROOT, file)).href);
}
