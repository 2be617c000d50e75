// `npm start`: the whole hub on this machine until it is stopped, with a simulated Twilio unless --real-twilio is given.
// Exit codes: 0 stopped, 1 failed, 64 (EX_USAGE) an argument it does not know, 69 (EX_UNAVAILABLE) a port is taken,
// 78 (EX_CONFIG) something in .env or the environment is wrong.
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError } from "@wahub/platform";
import { withFileLock } from "../../../../scripts/file-lock.mjs";
import { PortInUseError } from "../port.ts";
import { PROJECT_ROOT } from "../project.ts";
import { stopRequests, StopRequest } from "../stop-request.ts";
import { ENV_FILE, readEnvFile, withEnvFile } from "./environment.ts";
import { startHub, type Hub } from "./hub.ts";
import { createLogLines } from "./log-lines.ts";
import { loadServiceSchemas } from "./service-schemas.ts";
import { HOST, isRead, readSettings, type StartSettings } from "./settings.ts";
import { takenPorts, takenPortsText } from "./taken-ports.ts";
import { twilioVariables } from "./twilio-choice.ts";
import { realTwilioText, welcomeText } from "./welcome.ts";

const USAGE = `npm start -- [--real-twilio] [--data <folder>] [--env-file <file>]

  --real-twilio   send through Twilio itself; needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_WHATSAPP_FROM and
                  PUBLIC_WEBHOOK_URL. Without it everything goes to a simulator, whatever is set.
  --data          where PostgreSQL, Redis and the API key are kept; .data by default
  --env-file      settings, .env by default; the environment goes before it. .env.example explains them.`;

class UsageError extends Error {}

const stop = stopRequests();
const lines = createLogLines(process.stdout);
const say = (text: string) => process.stdout.write(`${text}\n`);

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  console.error(error instanceof Error ? error.message : error);
}
process.exit();

async function main(): Promise<number> {
  const flags = readFlags();
  if (flags.help) {
    say(USAGE);
    return 0;
  }
  const fromFile = readEnvFile(flags.envFile);
  const schemas = await loadServiceSchemas();
  const settings = readSettings(withEnvFile(process.env, fromFile), flags, schemas);
  const unknown = Object.keys(fromFile).filter((name) => !isRead(name, schemas));
  if (unknown.length > 0) console.error(`${flags.envFile} sets what nothing reads: ${unknown.join(", ")}`);
  const taken = await takenPorts(settings.ports, HOST);
  if (taken.length > 0) {
    console.error(takenPortsText(taken, settings.ports.length));
    return 69;
  }
  const { dataFolder } = flags;
  return withFileLock(
    join(dataFolder, "lock"),
    async () => {
      announce(settings);
      const starting = startHub({ settings, schemas, dataFolder, onLine: lines.write });
      try {
        const hub = await unlessStopped(starting);
        say(`\n${welcomeText(settings, hub, dataFolder)}\n`);
        await stopped();
        say("\nStopping ...");
      } finally {
        // Whoever asks to stop during the start waits until what has begun can be stopped in order.
        await (await starting.catch((): Hub | undefined => undefined))?.stop();
      }
      say(`Stopped. The data are in ${dataFolder}.`);
      return 0;
    },
    {
      onWait: () => {
        throw new Error(`Another npm start is using ${dataFolder}. Stop it, or give this one --data and other ports.`);
      },
    },
  );
}

function readFlags() {
  const string = { type: "string" } as const;
  const boolean = { type: "boolean", default: false } as const;
  try {
    const { values } = parseArgs({
      options: { "real-twilio": boolean, help: boolean, data: string, "env-file": string },
    });
    return {
      realTwilio: values["real-twilio"],
      help: values.help,
      dataFolder: resolve(values.data ?? join(PROJECT_ROOT, ".data")),
      envFile: resolve(values["env-file"] ?? ENV_FILE),
    };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function announce({ twilio, environment }: StartSettings): void {
  if (twilio.kind === "real") return void say(`${realTwilioText(twilio.settings)}\n`);
  const ignored = twilioVariables.filter((name) => (environment[name] ?? "") !== "");
  if (ignored.length > 0) say(`Not used, because --real-twilio is not given: ${ignored.join(", ")}.`);
  say("Starting PostgreSQL, Redis, a simulated Twilio and the five services ...");
}

function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  const aborted = stopped().then(() => Promise.reject(stop.reason as Error));
  return Promise.race([promise, aborted]);
}

async function stopped(): Promise<void> {
  if (!stop.aborted) await new Promise((done) => stop.addEventListener("abort", done, { once: true }));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StopRequest) return error.exitCode;
  if (error instanceof UsageError) return 64;
  if (error instanceof ConfigError) return 78;
  return error instanceof PortInUseError ? 69 : 1;
}
