import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials } from "@grpc/grpc-js";
import { fictionalAccount, randomApiKey, type TwilioAccount } from "../../tools/stack/src/account.ts";
import { SERVICE_NAMES, type ServiceName } from "../../tools/stack/src/service-name.ts";
import { type Container, type Containers, freePorts } from "./containers.ts";

const readyLimitMs = 60_000;

/** The five services and the simulator, each in a container. */
export interface HubInContainers {
  readonly gatewayUrl: string;
  readonly simUrl: string;
  readonly apiKey: string;
  readonly twilio: TwilioAccount;
  readonly services: Map<ServiceName, Container>;
  readonly sim: Container;
  /** Starts a service once more, after it has ended. */
  startAgain(name: ServiceName): Promise<void>;
  /** What each service's probes say; resolves when all are ready, throws when that takes too long. */
  ready(): Promise<string[]>;
}

export async function startHub(
  containers: Containers,
  servers: { databaseUrl: string; redisUrl: string },
): Promise<HubInContainers> {
  const twilio = fictionalAccount();
  const apiKey = randomApiKey();
  const [simPort, gateway, webhook, dispatch, statusQuery, ...admin] = (await freePorts(10)) as [
    number,
    number,
    number,
    number,
    number,
    ...number[],
  ];
  const account = {
    TWILIO_ACCOUNT_SID: twilio.accountSid,
    TWILIO_AUTH_TOKEN: twilio.authToken,
    TWILIO_WHATSAPP_FROM: twilio.from,
  };
  const adminPort = new Map(SERVICE_NAMES.map((name, at) => [name, admin[at]!]));
  const shared = {
    HOST: "127.0.0.1",
    DATABASE_URL: servers.databaseUrl,
    REDIS_URL: servers.redisUrl,
    BOOTSTRAP_API_KEY: apiKey,
    PUBLIC_WEBHOOK_URL: `http://127.0.0.1:${webhook}`,
    TWILIO_API_BASE_URL: `http://127.0.0.1:${simPort}`,
    ...account,
  };
  const own: Record<ServiceName, Record<string, string>> = {
    gateway: {
      HTTP_PORT: `${gateway}`,
      DISPATCH_URL: `dns:///127.0.0.1:${dispatch}`,
      STATUS_QUERY_URL: `dns:///127.0.0.1:${statusQuery}`,
    },
    dispatch: { GRPC_PORT: `${dispatch}` },
    sender: {},
    "webhook-ingest": { HTTP_PORT: `${webhook}` },
    "status-query": { GRPC_PORT: `${statusQuery}` },
  };
  const start = (name: ServiceName): Promise<Container> =>
    containers.start(name, { ...shared, ...own[name], ADMIN_PORT: `${adminPort.get(name)}` });

  const sim = await containers.start("sim", { HOST: "127.0.0.1", HTTP_PORT: `${simPort}`, ...account });
  const services = new Map<ServiceName, Container>();
  for (const name of SERVICE_NAMES) services.set(name, await start(name));

  return {
    gatewayUrl: `http://127.0.0.1:${gateway}`,
    simUrl: `http://127.0.0.1:${simPort}`,
    apiKey,
    twilio,
    services,
    sim,
    async startAgain(name) {
      services.set(name, await start(name));
      await untilReady(adminPort.get(name)!, services.get(name)!);
    },
    async ready() {
      const lines: string[] = [];
      for (const name of SERVICE_NAMES) {
        const tookMs = await untilReady(adminPort.get(name)!, services.get(name)!);
        lines.push(`${name}: /livez and /readyz 200 (waited ${Math.round(tookMs)} ms)`);
      }
      for (const port of [dispatch, statusQuery]) lines.push(`gRPC health on ${port}: ${await grpcHealth(port)}`);
      return lines;
    },
  };
}

async function untilReady(port: number, container: Container): Promise<number> {
  const from = performance.now();
  let last = "no answer";
  while (performance.now() - from < readyLimitMs) {
    const [live, ready] = await Promise.all([get(port, "/livez"), get(port, "/readyz")]);
    if (live.status === 200 && ready.status === 200) return performance.now() - from;
    last = ready.text;
    await sleep(100);
  }
  throw new Error(`${container.program} is not ready: ${last}\n${(await container.logs()).slice(-3000)}`);
}

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(3_000) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}

/** What a native gRPC probe asks: the health of the whole server. */
function grpcHealth(port: number): Promise<string> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const bytes = (data: Buffer): Buffer => data;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", bytes, bytes, Buffer.alloc(0), (error, answer) => {
      client.close();
      if (error !== null) return reject(error);
      const serving = answer?.equals(Buffer.from([0x08, 0x01])) === true;
      return serving ? resolve("SERVING") : reject(new Error("the server does not say SERVING"));
    });
  });
}
