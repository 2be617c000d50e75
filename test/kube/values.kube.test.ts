import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { queueNames } from "@wahub/queue";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { all, chart, development, enough, find, type KubeObject, render } from "./rendered.ts";

const withValues = (values: object): KubeObject[] => render({ ...enough, ...values });
const replicas = (objects: KubeObject[], name: string): unknown =>
  find(objects, "Deployment", `hub-whatsapp-hub-${name}`).spec.replicas;

describe("what cannot work is refused in words", () => {
  const keda = { enabled: true, prometheus: { serverAddress: "http://prometheus:9090" } };
  test.each<[string, object]>([
    ["config.publicWebhookUrl is required", { config: { twilioAccountSid: enough.config.twilioAccountSid } }],
    ["config.twilioAccountSid is required", { config: { publicWebhookUrl: "https://hub.example.com" } }],
    ["secrets.existingSecret is required in production", { secrets: {} }],
    ["secrets.create is for development only", { secrets: { create: { twilioAuthToken: "placeholder" } } }],
    ["exclude each other", { ...development, secrets: { ...development.secrets, existingSecret: "other" } }],
    ["bundled are for development only", { postgres: { bundled: true } }],
    ["bundled are for development only", { redis: { bundled: true } }],
    ["simulator.enabled is for development only", { simulator: { enabled: true } }],
    ["image.tag latest", { image: { tag: "latest" } }],
    ["sync.enabled is for development only", { sync: { enabled: true } }],
    ["migrations.mode hook runs before", { ...development, migrations: { mode: "hook" } }],
    ["exclude each other", { keda, services: { sender: { autoscaling: { enabled: true } } } }],
    ["keda.prometheus.serverAddress is required", { keda: { enabled: true } }],
    ["keda.redis.address is required", { keda: { enabled: true, trigger: "redis" } }],
    ["keda.minReplicas is more", { keda: { ...keda, minReplicas: 20 } }],
    ["0.7 of it must be more than the longest request", { services: { sender: { shutdown: { drainSeconds: 20 } } } }],
    ["0.7 of it must be more", { services: { sender: { env: { TWILIO_TIMEOUT_MS: "30000" } } } }],
    ["use services.gateway.shutdown.drainSeconds", { services: { gateway: { env: { SHUTDOWN_TIMEOUT_MS: "1" } } } }],
    ["services.dispatch.env.GRPC_PORT", { services: { dispatch: { env: { GRPC_PORT: "1" } } } }],
    ["autoscaling: minReplicas is more", { services: { gateway: { autoscaling: { enabled: true, minReplicas: 9 } } } }],
    ["only gateway and webhookIngest", { services: { dispatch: { ingress: { enabled: true, host: "a.example" } } } }],
    ["services.gateway.ingress.host is required", { services: { gateway: { ingress: { enabled: true } } } }],
  ])("%s", (words, values) => expect(() => withValues(values)).toThrow(words));

  test("all faults are told at once", () => {
    expect(() => render({})).toThrow(/publicWebhookUrl[^]*twilioAccountSid[^]*existingSecret/);
  });

  test.each<[string, object]>([
    ["at the top", { replicaCount: 3 }],
    ["of a service", { services: { sender: { replica: 3 } } }],
    ["of what all have", { defaults: { autoscaling: { enable: true } } }],
    ["a service that does not exist", { services: { webhook: {} } }],
    ["in a peer", { networkPolicy: { ingressFrom: [{ podSelectors: {} }] } }],
    ["a number where a text belongs", { services: { sender: { env: { SENDER_CONCURRENCY: 1_000_000 } } } }],
  ])("an unknown value: %s", (_, values) => expect(() => withValues(values)).toThrow(/schema/));
});

describe("scaling", () => {
  test("replicas are left to whoever scales, and there are no two of them", () => {
    const scaled = withValues({
      defaults: { autoscaling: { enabled: true } },
      services: { sender: { autoscaling: { enabled: false } } },
      keda: { enabled: true, prometheus: { serverAddress: "http://prometheus:9090" } },
    });
    for (const one of all(scaled, "Deployment")) expect(one.spec.replicas).toBeUndefined();
    expect(all(scaled, "HorizontalPodAutoscaler").map((one) => one.spec.scaleTargetRef.name)).not.toContain(
      "hub-whatsapp-hub-sender",
    );
    expect(all(scaled, "HorizontalPodAutoscaler")).toHaveLength(4);
    expect(all(scaled, "ScaledObject")).toHaveLength(1);
    expect(replicas(withValues({}), "sender")).toBe(2);
  });

  test("a service can be set and left out by itself", () => {
    const objects = withValues({ services: { sender: { replicas: 7 }, gateway: { enabled: false } } });
    expect(replicas(objects, "sender")).toBe(7);
    expect(replicas(objects, "dispatch")).toBe(2);
    expect(JSON.stringify(all(objects, "Deployment"))).not.toContain("hub-whatsapp-hub-gateway");
  });

  test("Prometheus is asked for a measure that dispatch has", () => {
    const objects = withValues({ keda: { enabled: true, prometheus: { serverAddress: "http://prometheus:9090" } } });
    const [, metric] = /(whatsapphub_\w+)/.exec(all(objects, "ScaledObject")[0].spec.triggers[0].metadata.query) ?? [];
    expect(readFileSync(join(PROJECT_ROOT, "services/dispatch/src/events.ts"), "utf8")).toContain(`"${metric}"`);
  });

  test("Redis is asked for the queues that there are", () => {
    const objects = withValues({ keda: { enabled: true, trigger: "redis", redis: { address: "redis:6379" } } });
    const lists = all(objects, "ScaledObject")[0].spec.triggers.map((one: KubeObject) => one.metadata.listName);
    expect(new Set(lists)).toEqual(
      new Set(queueNames.flatMap((queue) => [`wahub:${queue}:wait`, `wahub:${queue}:prioritized`])),
    );
  });

  test("there is a disruption budget where there is something to guard", () => {
    const budgets = (values: object): number => all(withValues(values), "PodDisruptionBudget").length;
    expect(budgets({})).toBe(5);
    expect(budgets({ defaults: { replicas: 1 } })).toBe(0);
    expect(budgets({ defaults: { replicas: 1, autoscaling: { enabled: true, minReplicas: 2 } } })).toBe(5);
  });
});

describe("doors", () => {
  test("what is simulated calls back to a Service that there is", () => {
    for (const file of [join(chart, "ci/kind-values.yaml"), join(PROJECT_ROOT, "k8s/dev/values.yaml")]) {
      const objects = render({}, [file]);
      const { PUBLIC_WEBHOOK_URL: base } = find(objects, "ConfigMap", "hub-whatsapp-hub-sender").data;
      const { hostname, port } = new URL(base);
      expect(find(objects, "Service", hostname).spec.ports.map((one: KubeObject) => String(one.port))).toContain(port);
    }
  });

  test("the command on the page installs a hub with the sender that it names", () => {
    const page = readFileSync(join(PROJECT_ROOT, "docs/deploying.md"), "utf8");
    const [, command] = /^(helm install hub helm\/whatsapp-hub -n hub --set [^]*?)\n(?!  )/m.exec(page)!;
    const flags = command!
      .replaceAll("\\\n", " ")
      .replace("AC...", enough.config.twilioAccountSid)
      .split(/\s+/)
      .slice(6);
    const objects = render({}, [], flags);
    expect(find(objects, "ConfigMap", "hub-whatsapp-hub-dispatch").data).toMatchObject({
      TWILIO_WHATSAPP_FROM: "+15005550006",
    });
  });

  test("helm test knocks at the doors that there are", () => {
    const knocks = (values: object): string[] => all(withValues(values), "Pod")[0]?.spec.containers[0].args;
    expect(knocks({})).toHaveLength(3);
    expect(knocks({ services: { gateway: { enabled: false } } }).join(" ")).not.toContain("gateway");
    const simulated = (services: object): string => knocks({ ...development, services }).join(" ");
    expect(simulated({})).toContain("--key=");
    expect(simulated({ sender: { enabled: false } })).not.toContain("--key=");
    const none = Object.fromEntries(["gateway", "dispatch", "statusQuery"].map((key) => [key, { enabled: false }]));
    expect(knocks({ services: none })).toBeUndefined();
  });

  test("gRPC services have a name with every pod's address, HTTP ones an address", () => {
    const kinds = Object.fromEntries(
      all(withValues({}), "Service").map((one) => [
        one.metadata.name.replace("hub-whatsapp-hub-", ""),
        one.spec.clusterIP,
      ]),
    );
    expect(kinds).toEqual({
      gateway: undefined,
      "webhook-ingest": undefined,
      dispatch: "None",
      "status-query": "None",
    });
  });

  test("an Ingress leads to the gateway and to webhook-ingest where it is asked for", () => {
    expect(all(withValues({}), "Ingress")).toEqual([]);
    const [ingress] = all(render({}, [join(chart, "ci/production-values.yaml")]), "Ingress").filter((one) =>
      one.metadata.name.endsWith("webhook-ingest"),
    );
    expect(ingress.spec.rules[0].host).toBe("hub.example.com");
    expect(ingress.spec.tls[0]).toEqual({ hosts: ["hub.example.com"], secretName: "hub-tls" });
  });
});

describe("migrations", () => {
  const job = (values: object): KubeObject => all(render(values), "Job")[0];

  test("run before everything else, with a secret that is there already", () => {
    expect(job(enough).metadata.annotations["helm.sh/hook"]).toBe("pre-install,pre-upgrade");
  });

  test("are an ordinary job where they need the chart's own database, or are told to be", () => {
    for (const values of [development, { ...enough, migrations: { mode: "job" } }]) {
      expect(job(values).metadata.name).toMatch(/^hub-whatsapp-hub-migrate-[0-9a-f]{10}$/);
      expect(job(values).metadata.annotations).toBeUndefined();
    }
  });

  test("the ordinary job is a new one when it changes, because a job cannot be changed, and else the same", () => {
    const asJob = (more: object): KubeObject => job({ ...enough, migrations: { mode: "job" }, ...more });
    expect(asJob({ services: { sender: { replicas: 7 } } })).toEqual(asJob({}));
    const changed = [{}, { image: { tag: "2" } }, { migrations: { mode: "job", backoffLimit: 1 } }];
    const names = changed.map((more) => asJob(more).metadata.name);
    expect(new Set(names).size).toBe(3);
  });

  test("can be left to somebody else", () => {
    expect(job({ ...enough, migrations: { enabled: false } })).toBeUndefined();
  });
});
