import { ConfigError, loadConfig } from "@wahub/platform";
import { SERVICE_NAMES, type ServiceName } from "../service-name.ts";
import type { Environment } from "./environment.ts";
import { choosePorts, portOf, portUses, type ChosenPort } from "./ports.ts";
import type { ServiceSchemas } from "./service-schemas.ts";
import { chooseTwilio, twilioVariables, type TwilioChoice } from "./twilio-choice.ts";

/** Nothing listens anywhere else: this is a stack for one machine. */
export const HOST = "127.0.0.1";

/** What one `npm start` is going to do. */
export interface StartSettings {
  readonly twilio: TwilioChoice;
  readonly ports: readonly ChosenPort[];
  /** Servers of the user's; undefined where the stack brings its own. */
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** A key of the user's; undefined where the generated one is used. */
  readonly apiKey: string | undefined;
  /** Where the simulator and each service get what nothing here decides. */
  readonly environment: Environment;
}

/** What is known once the servers run. */
export interface ServerAddresses {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly apiKey: string;
}

/**
 * Reads what to do and checks it against what every service would accept.
 *
 * @throws ConfigError with every fault, before anything was started
 */
export function readSettings(env: Environment, flags: { realTwilio: boolean }, schemas: ServiceSchemas): StartSettings {
  const { choice, faults: twilioFaults } = chooseTwilio(env, flags.realTwilio);
  const uses = portUses.filter((use) => choice.kind === "simulated" || use.service !== "sim");
  const { ports, faults: portFaults } = choosePorts(env, uses);
  const settings: StartSettings = {
    twilio: choice,
    ports,
    databaseUrl: env["DATABASE_URL"] || undefined,
    redisUrl: env["REDIS_URL"] || undefined,
    apiKey: env["BOOTSTRAP_API_KEY"] || undefined,
    environment: env,
  };
  const servers = { databaseUrl: "postgres://own", redisUrl: "redis://own", apiKey: "own", ...given(settings) };
  const serviceFaults = SERVICE_NAMES.flatMap((name) => {
    try {
      loadConfig(schemas[name], serviceEnvironment(settings, servers, name, schemas));
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.faults;
      throw error;
    }
  });
  // What --real-twilio lacks has been said already, in fewer words.
  const others = serviceFaults.filter(
    (fault) => !twilioVariables.some((name) => fault.startsWith(`${name} is not set`)),
  );
  const faults = [...new Set([...twilioFaults, ...portFaults, ...others])];
  if (faults.length > 0) throw new ConfigError(faults);
  return settings;
}

function given({ databaseUrl, redisUrl, apiKey }: StartSettings): Partial<ServerAddresses> {
  return Object.fromEntries(
    Object.entries({ databaseUrl, redisUrl, apiKey }).filter(([, value]) => value !== undefined),
  );
}

/** The whole environment of one service: what its schema names, and nothing else. */
export function serviceEnvironment(
  settings: StartSettings,
  servers: ServerAddresses,
  name: ServiceName,
  schemas: ServiceSchemas,
): Record<string, string> {
  const { ports, twilio } = settings;
  const without = (names: readonly string[]) => Object.fromEntries(names.map((one) => [one, undefined]));
  const all: Environment = {
    ...settings.environment,
    // The stack decides how long a stop may take, and what is about Twilio.
    ...without(["SHUTDOWN_TIMEOUT_MS", "HTTP_PORT", "GRPC_PORT", ...twilioVariables]),
    ...Object.fromEntries(ports.filter((one) => one.service === name).map((one) => [one.setting, `${one.port}`])),
    ...(twilio.kind === "real" ? twilio.settings : simulatedTwilio(ports, twilio.account)),
    HOST,
    DATABASE_URL: servers.databaseUrl,
    REDIS_URL: servers.redisUrl,
    BOOTSTRAP_API_KEY: servers.apiKey,
    DISPATCH_URL: `dns:///${HOST}:${portOf(ports, "dispatch", "GRPC_PORT")}`,
    STATUS_QUERY_URL: `dns:///${HOST}:${portOf(ports, "status-query", "GRPC_PORT")}`,
  };
  return setOnes(all, (variable) => variable in schemas[name]);
}

function simulatedTwilio(
  ports: readonly ChosenPort[],
  account: { accountSid: string; authToken: string; from: string },
) {
  return {
    TWILIO_ACCOUNT_SID: account.accountSid,
    TWILIO_AUTH_TOKEN: account.authToken,
    TWILIO_WHATSAPP_FROM: account.from,
    TWILIO_API_BASE_URL: `http://${HOST}:${portOf(ports, "sim", "HTTP_PORT")}`,
    PUBLIC_WEBHOOK_URL: `http://${HOST}:${portOf(ports, "webhook-ingest", "HTTP_PORT")}`,
  };
}

/** The whole environment of the simulator: its account, and the knobs (SIM_...) of the user's. */
export function simulatorEnvironment({ twilio, ports, environment }: StartSettings): Record<string, string> {
  if (twilio.kind === "real") throw new Error("there is no simulator with real Twilio");
  const { accountSid, authToken, from } = twilio.account;
  return {
    ...setOnes(environment, isKnob),
    HOST,
    HTTP_PORT: `${portOf(ports, "sim", "HTTP_PORT")}`,
    SIM_ACCOUNT_SID: accountSid,
    SIM_AUTH_TOKEN: authToken,
    SIM_SENDERS: from,
  };
}

/** Whether anything that `npm start` starts reads the variable. */
export function isRead(variable: string, schemas: ServiceSchemas): boolean {
  return (
    isKnob(variable) ||
    portUses.some((use) => use.variable === variable) ||
    SERVICE_NAMES.some((name) => variable in schemas[name])
  );
}

function isKnob(variable: string): boolean {
  return variable.startsWith("SIM_") && !variable.endsWith("_PORT");
}

function setOnes(env: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const entries = Object.entries(env).filter(([name, value]) => wanted(name) && value !== undefined && value !== "");
  return Object.fromEntries(entries) as Record<string, string>;
}
