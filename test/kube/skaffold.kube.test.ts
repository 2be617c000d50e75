import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import yaml from "js-yaml";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { all, type KubeObject, pods, render } from "./rendered.ts";

interface Patch {
  op: "add" | "replace";
  path: string;
  value: unknown;
}

const text = (path: string): string => readFileSync(join(PROJECT_ROOT, path), "utf8");
const configs = yaml.loadAll(text("skaffold.yaml")) as KubeObject[];
const [databases, hub] = configs as [KubeObject, KubeObject];
const profilesOf = (config: KubeObject): KubeObject[] => config.profiles;

/** What JSON patches make of it; throws where a path leads nowhere. */
function patched(config: KubeObject, patches: readonly Patch[]): KubeObject {
  const copy = structuredClone(config);
  for (const { op, path, value } of patches) {
    const keys = path.split("/").slice(1);
    const last = keys.pop()!;
    const parent = keys.reduce((at, key) => at?.[key], copy);
    const there = parent?.[last] !== undefined;
    if (parent === undefined || there !== (op === "replace")) throw new Error(`${op} ${path} does nothing`);
    parent[last] = value;
  }
  return copy;
}

function withProfile(config: KubeObject, name: string): KubeObject {
  const profile = profilesOf(config).find((one) => one.name === name);
  return patched(config, profile?.patches ?? []);
}

/** The values of the release as skaffold would set them, the image apart. */
function rendered(profile: string): KubeObject[] {
  const [release] = withProfile(hub, profile).deploy.helm.releases;
  const set = Object.entries<unknown>(release.setValues ?? {}).map(([key, value]) => [
    "--set",
    `${key}=${String(value)}`,
  ]);
  return render(
    {},
    release.valuesFiles.map((file: string) => join(PROJECT_ROOT, file)),
    set.flat(),
  );
}

describe("skaffold.yaml", () => {
  test("the databases come before the hub that waits for them", () => {
    expect(configs.map((one) => one.metadata.name)).toEqual(["databases", "hub"]);
    expect(hub.requires).toEqual([{ configs: ["databases"] }]);
    expect([databases.deploy.helm, hub.deploy.kubectl, hub.manifests]).toEqual([undefined, undefined, undefined]);
  });

  test.each(["dev", "debug", "kind", "minikube", "ci", "verify"])(
    "profile %s changes something that is there",
    (name) => {
      const found = configs.flatMap((config) => profilesOf(config).filter((one) => one.name === name));
      expect(found.length).toBeGreaterThan(0);
      for (const one of found) expect((one.patches ?? one.verify).length).toBeGreaterThan(0);
      for (const config of configs) expect(() => withProfile(config, name)).not.toThrow();
      expect(() => rendered(name)).not.toThrow();
    },
  );

  test("both configs go to the same cluster", () => {
    for (const name of ["kind", "minikube"]) {
      const contexts = configs.map((config) => withProfile(config, name).deploy.kubeContext);
      expect(new Set(contexts).size).toBe(1);
      expect(contexts[0]).toBeDefined();
    }
  });

  test("changed sources go where the programs read them and their pods can be written to", () => {
    const [artifact] = withProfile(databases, "dev").build.artifacts;
    const [, stage] = new RegExp(`AS ${artifact.docker.target}\\n([^]*?)\\nFROM`).exec(text("Dockerfile"))!;
    expect(stage).toContain("COPY --chown=10001:10001 . .");
    for (const { src, dest } of artifact.sync.manual) {
      expect(globSync(src, { cwd: PROJECT_ROOT }).some((file) => file.endsWith(".ts"))).toBe(true);
      expect(dest).toBe("/app");
    }
    const services = pods(rendered("dev").filter((one) => one.kind === "Deployment"));
    const simulator = pods(yaml.loadAll(text("k8s/dev/simulator.yaml")));
    expect(services).toHaveLength(5);
    for (const { spec } of [...services, ...simulator])
      expect(spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(false);
  });

  test("what is verified, and what is forwarded, is a Service", () => {
    const objects = [...rendered("verify"), ...yaml.loadAll(text("k8s/dev/simulator.yaml"))] as KubeObject[];
    const services = new Set(all(objects, "Service").map((one) => one.metadata.name));
    const [{ container }] = profilesOf(hub).find((one) => one.name === "verify").verify;
    const doors = container.args.flatMap((arg: string) => /\/\/\/?([\w-]+)\.whatsapp-hub-dev:/.exec(arg)?.[1] ?? []);
    expect(doors).toHaveLength(3);
    const forwarded = configs.flatMap((config) => config.portForward.map((one: KubeObject) => one.resourceName));
    for (const name of [...doors, ...forwarded]) expect(services).toContain(name);
  });
});
