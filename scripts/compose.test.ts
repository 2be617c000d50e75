import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import yaml from "js-yaml";
import { programs } from "../image/programs.mjs";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface ComposeService {
  image: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}

interface ConfigSchema {
  [name: string]: { default?: unknown; optional?: boolean; parse(text: string): unknown };
}

const compose = yaml.load(read("docker-compose.yml")) as Record<string, unknown>;
const services = compose["services"] as Record<string, ComposeService>;
const hub = ["gateway", "dispatch", "sender", "webhook-ingest", "status-query"];

/** What a service may say here; Compose knows more, and a misspelled word is none of them. */
const words = new Set(
  (
    "image build restart read_only cap_drop security_opt mem_limit stop_grace_period " +
    "healthcheck command environment ports volumes depends_on"
  ).split(" "),
);

async function schemaOf(name: string): Promise<ConfigSchema> {
  const { config } = (await import(join(root, "services", name, "src/config.ts"))) as { config: ConfigSchema };
  return config;
}

describe("docker-compose.yml", () => {
  test("says nothing that Compose does not know", () => {
    const top = Object.keys(compose).filter((key) => !key.startsWith("x-"));
    expect(top.toSorted()).toEqual(["name", "services", "volumes"]);
    for (const [name, one] of Object.entries(services))
      expect([name, Object.keys(one).filter((key) => !words.has(key))]).toEqual([name, []]);
  });

  test("every image is built here or pinned to a version", () => {
    for (const one of Object.values(services))
      expect(one.build ?? /:v?\d+\.\d+(\.\d+)?(-\w+)?$/.test(one.image)).toBeTruthy();
  });

  test.each([...hub, "migrate", "sim"])("%s runs a program that the image has", (name) => {
    expect(programs.has(services[name]!.command![0]!)).toBe(true);
  });

  test.each(hub)("%s is given settings that it knows and takes, and all that it needs", async (name) => {
    const schema = await schemaOf(name);
    const env = Object.entries(services[name]!.environment ?? {}).map(
      ([key, value]) => [key, value.replace(/^\$\{\w+:-(.*)\}$/, "$1")] as const,
    );
    expect(env.map(([key]) => key).filter((key) => !(key in schema))).toEqual([]);
    for (const [key, value] of env) expect(() => schema[key]!.parse(value)).not.toThrow();
    const needed = Object.entries(schema).filter(([, key]) => !("default" in key) && key.optional !== true);
    expect(needed.map(([key]) => key).filter((key) => !env.some(([given]) => given === key))).toEqual([]);
  });

  test("who is waited for can say that it is ready", () => {
    for (const [name, one] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(one.depends_on ?? {})) {
        const ends = other === "migrate";
        expect([name, other, condition]).toEqual([
          name,
          other,
          ends ? "service_completed_successfully" : "service_healthy",
        ]);
        if (!ends) expect(services[other]!.healthcheck?.test).toBeDefined();
      }
    }
  });

  test("every port is open on this machine only, and on the page", () => {
    const page = read("docs/deploying.md");
    const ports = Object.values(services).flatMap((one) => one.ports ?? []);
    for (const port of ports) {
      expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
      expect(page).toContain(`| ${port.split(":")[1]} |`);
    }
  });

  test("PostgreSQL is ready when it answers by TCP, which the server that only makes the database does not", () => {
    expect(services["postgres"]!.healthcheck!.test).toEqual(expect.arrayContaining(["-h", "127.0.0.1"]));
  });

  test("Redis keeps what it is told and refuses rather than forgets", () => {
    const command = services["redis"]!.command!.join(" ");
    expect(command).toContain("--appendonly yes");
    expect(command).toContain("--maxmemory-policy noeviction");
    expect(command).toContain("--hash-max-listpack-value 1024");
  });

  test("files that are mounted exist", () => {
    const own = Object.values(services).flatMap((one) => one.volumes ?? []);
    for (const volume of own.filter((text) => text.startsWith("./")))
      expect(globSync(join(root, volume.split(":")[0]!))).toHaveLength(1);
  });
});

describe("what is watched", () => {
  test("Prometheus asks every admin port", async () => {
    const { scrape_configs: jobs } = yaml.load(read("compose/prometheus.yml")) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const ports = await Promise.all(
      hub.map(async (name) => `${name}:${String((await schemaOf(name))["ADMIN_PORT"]!.default)}`),
    );
    expect(jobs[0]!.static_configs[0]!.targets).toEqual(ports);
    for (const name of hub) expect(ports).toContain(`${name}:${services[name]!.environment!["ADMIN_PORT"]}`);
  });

  test("a dashboard shows only what the services measure", () => {
    const sources = globSync(join(root, "{packages,services}/*/src/**/*.ts")).filter(
      (path) => !path.includes(".test."),
    );
    const code = sources.map((path) => readFileSync(path, "utf8")).join("\n");
    const known = new Set([...code.matchAll(/name: "(whatsapphub_\w+)"/g)].map(([, name]) => name!));
    // Of prom-client itself.
    for (const name of ["process_resident_memory_bytes", "nodejs_eventloop_lag_p99_seconds"]) known.add(name);
    const boards = globSync(join(root, "compose/grafana/dashboards/*.json")).map((path) => readFileSync(path, "utf8"));
    expect(boards.length).toBeGreaterThan(0);
    for (const board of boards) {
      const { panels } = JSON.parse(board) as { panels: { targets: { expr: string }[] }[] };
      const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      expect(expressions.length).toBeGreaterThan(5);
      for (const expression of expressions) {
        const named = [...expression.matchAll(/\b(whatsapphub|process|nodejs)_\w+/g)].map(([name]) =>
          name.replace(/_(bucket|count|sum)$/, ""),
        );
        expect(named.length).toBeGreaterThan(0);
        expect(named.filter((name) => !known.has(name))).toEqual([]);
      }
    }
  });
});
