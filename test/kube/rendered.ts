import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import yaml from "js-yaml";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";

/** A rendered object; tests look into it as far as they need. */
// oxlint-disable-next-line typescript/no-explicit-any -- Its form is Kubernetes's affair, and checked against its schemas.
export type KubeObject = any;

export const chart = join(PROJECT_ROOT, "helm/whatsapp-hub");

/** Values that are enough in production. */
export const enough = {
  config: { publicWebhookUrl: "https://hub.example.com", twilioAccountSid: `AC${"0".repeat(32)}` },
  secrets: { existingSecret: "whatsapp-hub" },
};

/** Values for a cluster on one machine. */
export const development = {
  ...enough,
  profile: "development",
  secrets: { create: { twilioAuthToken: "token", bootstrapApiKey: "key" } },
  postgres: { bundled: true },
  redis: { bundled: true },
  simulator: { enabled: true },
};

/** Renders the chart with these values on top of those of `files`, and `flags` of helm on top of both; throws with helm's words where it refuses. */
export function render(values: object, files: readonly string[] = [], flags: readonly string[] = []): KubeObject[] {
  const folder = mkdtempSync(join(tmpdir(), "wahub-helm-"));
  try {
    const own = join(folder, "values.yaml");
    writeFileSync(own, yaml.dump(values));
    const args = ["template", "hub", chart, "--namespace", "hub", "--kube-version", "1.32.0"];
    const from = [...files, own].flatMap((file) => ["-f", file]);
    const { status, stdout, stderr } = spawnSync(process.env["HELM"] ?? "helm", [...args, ...from, ...flags], {
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
    if (status !== 0) throw new Error(stderr);
    return yaml.loadAll(stdout).filter((object) => object !== null && object !== undefined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The one object of the kind with the name; without a name, all of the kind. */
export function find(objects: readonly KubeObject[], kind: string, name: string): KubeObject {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

export function all(objects: readonly KubeObject[], kind: string): KubeObject[] {
  return objects.filter((one) => one.kind === kind);
}

/** Every pod that the objects describe, as template or by itself. */
export function pods(objects: readonly KubeObject[]): { name: string; spec: KubeObject; labels: KubeObject }[] {
  return objects.flatMap((one) => {
    const pod = one.kind === "Pod" ? one : one.spec?.template;
    if (pod?.spec?.containers === undefined) return [];
    return [{ name: one.metadata.name, spec: pod.spec, labels: pod.metadata.labels }];
  });
}
