import { relative } from "node:path";
import { apiKeyFile } from "./api-key.ts";
import type { Hub } from "./hub.ts";
import { portOf, type ChosenPort } from "./ports.ts";
import { HOST, type StartSettings } from "./settings.ts";

/** What whoever started the hub needs to know to use it. */
export function welcomeText(settings: StartSettings, hub: Omit<Hub, "stop">, dataFolder: string): string {
  const { ports, twilio } = settings;
  const port = (...which: Parameters<typeof portOf> extends [unknown, ...infer Rest] ? Rest : never) =>
    portOf(ports, ...which);
  const gateway = `http://${HOST}:${port("gateway", "HTTP_PORT")}`;
  const board = port("dispatch", "QUEUE_BOARD_PORT");
  const rows: [string, string, string][] = [
    ["gateway", gateway, "Connect, gRPC-Web, JSON, POST /bulk-send"],
    ["webhook-ingest", `http://${HOST}:${port("webhook-ingest", "HTTP_PORT")}`, "Twilio's callbacks"],
    ["dispatch", `${HOST}:${port("dispatch", "GRPC_PORT")}`, "gRPC: BulkSend, BulkSendStream"],
    [
      "status-query",
      `${HOST}:${port("status-query", "GRPC_PORT")}`,
      "gRPC: GetBatch, ListMessages, GetMessage, WatchBatch",
    ],
  ];
  if (twilio.kind === "simulated") {
    rows.push(["simulator", `http://${HOST}:${port("sim", "HTTP_PORT")}`, "what it was given: GET /sim/ledger"]);
  }
  if (board !== undefined) rows.push(["queue board", `http://${HOST}:${board}/queues`, "password: QUEUE_BOARD_KEY"]);
  rows.push(
    ["admin ports", adminPorts(ports), "/livez /readyz /metrics"],
    ["PostgreSQL", settings.databaseUrl === undefined ? hub.databaseUrl : "yours (DATABASE_URL)", ""],
    ["Redis", settings.redisUrl === undefined ? hub.redisUrl : "yours (REDIS_URL)", ""],
    ["data", shown(dataFolder), ""],
    ["logs", shown(hub.logFolder), ""],
  );
  const keyFrom =
    settings.apiKey === undefined ? `kept in ${shown(apiKeyFile(dataFolder))}` : "yours: BOOTSTRAP_API_KEY";
  return [
    twilio.kind === "simulated"
      ? "WhatsApp Hub is running with a simulated Twilio: nothing leaves this machine."
      : realTwilioText(twilio.settings),
    "",
    ...rows.map(([name, where, what]) => `  ${name.padEnd(16)}${where.padEnd(26)}  ${what}`.trimEnd()),
    "",
    `API key (${keyFrom}):  ${hub.apiKey}`,
    "",
    "Send a message, over HTTP or gRPC:",
    "",
    `curl ${gateway}/bulk-send -H 'authorization: Bearer ${hub.apiKey}' -H 'content-type: application/json' -d '${JSON.stringify({ phone_numbers: ["+12125550123"], message: "Hello" })}'`,
    "",
    `grpcurl -plaintext -H 'authorization: Bearer ${hub.apiKey}' -d '${JSON.stringify({ content: { text: { body: "Hello" } }, recipients: [{ phone: "+12125550123" }] })}' ${HOST}:${port("dispatch", "GRPC_PORT")} whatsapphub.v1.DispatchService/BulkSend`,
    "",
    ...(settings.redisUrl === undefined
      ? ["Look into the queues:", "", `REDIS_URL=${hub.redisUrl} npm run queues -- --watch`, ""]
      : []),
    "Everything keeps running until Ctrl-C; the data stay.",
  ].join("\n");
}

/** Loud, because the next message costs money and reaches somebody. */
export function realTwilioText(env: Readonly<Record<string, string>>): string {
  const lines = [
    "REAL TWILIO: messages go to real people and cost money.",
    `Account ${env["TWILIO_ACCOUNT_SID"]}, sender ...${(env["TWILIO_WHATSAPP_FROM"] ?? "").slice(-4)}, callbacks to ${env["PUBLIC_WEBHOOK_URL"]}`,
  ];
  const rule = "!".repeat(Math.max(...lines.map((line) => line.length)));
  return [rule, ...lines, rule].join("\n");
}

function adminPorts(ports: readonly ChosenPort[]): string {
  const admin = ports.filter((one) => one.setting === "ADMIN_PORT");
  return admin.map((one) => `${one.port} ${one.service}`).join(", ");
}

function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}
