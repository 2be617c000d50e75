import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { loadConfig } from "@wahub/platform";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { SERVICE_NAMES } from "../../tools/stack/src/service-name.ts";
import { loadServiceSchemas } from "../../tools/stack/src/start/service-schemas.ts";
import { all, development, enough, find, type KubeObject, pods, render } from "./rendered.ts";

const production = render(enough);
const bundled = render(development);
const deployment = (objects: KubeObject[], name: string): KubeObject =>
  find(objects, "Deployment", `hub-whatsapp-hub-${name}`);
const container = (name: string, objects = production): KubeObject =>
  deployment(objects, name).spec.template.spec.containers[0];
const text = (path: string): string => readFileSync(join(PROJECT_ROOT, path), "utf8");

/** What the pod's environment will be, secrets made up. */
function environment(name: string, objects = production): Record<string, string> {
  const config = find(objects, "ConfigMap", `hub-whatsapp-hub-${name}`).data as Record<string, string>;
  const madeUp: Record<string, string> = {
    DATABASE_URL: "postgresql://localhost/hub",
    REDIS_URL: "redis://localhost",
    TWILIO_AUTH_TOKEN: "token",
    BOOTSTRAP_API_KEY: "key",
  };
  const secrets = (container(name, objects).env ?? []).map((one: { name: string }) => [
    one.name,
    madeUp[one.name] ?? "made up",
  ]);
  return { ...config, ...Object.fromEntries(secrets) };
}

describe("each service", () => {
  test.each(SERVICE_NAMES)("%s is given the settings that it needs, and none that it does not know", async (name) => {
    const schema = (await loadServiceSchemas())[name];
    for (const objects of [production, bundled]) {
      const env = environment(name, objects);
      expect(Object.keys(env).filter((setting) => !(setting in schema))).toEqual([]);
      expect(() => loadConfig(schema, env)).not.toThrow();
    }
  });

  test.each(SERVICE_NAMES)("%s listens where probes, services and policies look", async (name) => {
    const config = loadConfig((await loadServiceSchemas())[name], environment(name)) as Record<string, unknown>;
    const ports = Object.fromEntries(
      container(name).ports.map((one: { name: string; containerPort: number }) => [one.name, one.containerPort]),
    );
    expect(ports.admin).toBe(config["ADMIN_PORT"]);
    expect(ports.http ?? ports.grpc).toBe(config["HTTP_PORT"] ?? config["GRPC_PORT"]);
    const { livenessProbe, readinessProbe, startupProbe } = container(name);
    expect([livenessProbe, startupProbe].map((probe) => probe.httpGet)).toEqual([
      { path: "/livez", port: "admin" },
      { path: "/livez", port: "admin" },
    ]);
    expect(readinessProbe.grpc?.port ?? readinessProbe.httpGet.path).toBe(ports.grpc ?? "/readyz");
  });

  test.each(SERVICE_NAMES)("%s has the time to end: the grace period is longer than preStop and drain", (name) => {
    const { terminationGracePeriodSeconds, containers } = deployment(production, name).spec.template.spec;
    const preStop = containers[0].lifecycle.preStop.sleep.seconds;
    const drainMs = Number(environment(name)["SHUTDOWN_TIMEOUT_MS"]);
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(preStop * 1000 + drainMs);
  });

  test("whoever talks to Twilio is told where, and how long a request may take", () => {
    const objects = render({ ...development, config: { ...enough.config, twilioTimeoutSeconds: 12 } });
    for (const name of ["sender", "webhook-ingest"])
      expect(environment(name, objects)).toMatchObject({
        TWILIO_API_BASE_URL: "http://hub-whatsapp-hub-simulator:8090",
        TWILIO_TIMEOUT_MS: "12000",
      });
  });

  test("a rollout waits until clients have found a new pod before the next old one ends", () => {
    const [, longest] =
      /max_reconnect_backoff_ms": ([\d_]+)/.exec(text("packages/platform/src/grpc-client-channel.ts")) ?? [];
    const { minReadySeconds, template } = deployment(production, "dispatch").spec;
    const preStop = template.spec.containers[0].lifecycle.preStop.sleep.seconds;
    expect((minReadySeconds + preStop) * 1000).toBeGreaterThan(Number(longest?.replace("_", "")));
  });

  test("the sender waits longer for its work in hand than a request to Twilio may take", () => {
    const [, share] = /const drainShare = ([\d.]+)/.exec(text("services/sender/src/app.ts")) ?? [];
    const { SHUTDOWN_TIMEOUT_MS: drain, TWILIO_TIMEOUT_MS: request } = environment("sender");
    // The chart's own check says 0.7.
    expect(share).toBe("0.7");
    expect(Number(drain) * Number(share)).toBeGreaterThan(Number(request));
  });
});

describe("every pod", () => {
  const everyPod = [...pods(production), ...pods(bundled)];

  test.each(everyPod.map((pod) => [pod.name, pod] as const))("%s passes Pod Security restricted", (_, { spec }) => {
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(spec.securityContext.runAsUser).toBeGreaterThan(0);
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.enableServiceLinks).toBe(false);
    for (const one of spec.containers) {
      expect(one.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(one.resources.limits.memory).toBeDefined();
      expect(one.resources.limits.cpu).toBeUndefined();
      expect(one.image).not.toMatch(/:latest$|^[^:@]+$/);
    }
  });

  test("a service has an account of its own, without a token", () => {
    const accounts = pods(production)
      .filter(({ spec }) => spec.serviceAccountName !== undefined)
      .map(({ spec }) => spec.serviceAccountName);
    expect(new Set(accounts).size).toBe(accounts.length);
    for (const one of all(production, "ServiceAccount")) expect(one.automountServiceAccountToken).toBe(false);
  });

  test("no secret is written into an object but the Secret itself", () => {
    const rest = bundled.filter((one) => one.kind !== "Secret");
    expect(JSON.stringify(rest)).not.toContain("postgresql://");
    expect(all(production, "Secret")).toEqual([]);
  });
});

describe("versions", () => {
  test("image, chart and project have one", () => {
    const { version } = JSON.parse(text("package.json")) as { version: string };
    expect(text("helm/whatsapp-hub/Chart.yaml")).toContain(`appVersion: "${version}"`);
    expect(text("Dockerfile")).toContain(`org.opencontainers.image.version="${version}"`);
    expect(container("sender").image).toBe(`whatsapp-hub:${version}`);
  });

  test("the pods run as the user that the image has its compile cache for", () => {
    const [, user] = /^USER (\d+):/m.exec(text("Dockerfile")) ?? [];
    expect(deployment(production, "sender").spec.template.spec.securityContext.runAsUser).toBe(Number(user));
  });
});
