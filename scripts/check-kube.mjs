// npm run check:kube, or chart:test: everything that can be said about helm/ and k8s/ without a cluster. Needs Go to build its
// tools once (minutes; then seconds); where there is none it says so and is content, unless told to be --strict. What is not
// done within 20 minutes is a failure.
//
// KUBE_SCHEMAS names a folder with the descriptions of Kubernetes, of one version, and of the CRDs (kubernetes-*-swagger.json,
// crds/*.yaml); without it kubeconform asks the public ones, for each version that the chart is rendered for.
//
//   npm run check:kube -- --write    writes the chart's README instead of comparing it
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ensureTools, hasGo } from "./kube-tools.mjs";
import { writeSchemas } from "./kube-schemas.mjs";

const chart = "helm/whatsapp-hub";
/** The oldest that the chart is for, and a recent one. */
const kubeVersions = ["1.30.0", "1.34.0"];
/** What a slip of the finger looks like; each must be refused, or the validation sleeps. */
const misspellings = [
  ["readOnlyRootFilesystem:", "readOnlyRootFileSystem:"],
  ["terminationGracePeriodSeconds:", "terminationGracePeriod:"],
  ["maxReplicaCount:", "maxReplicas:"],
];
/** Whose module has the schemas of its configuration. */
const skaffold = "github.com/GoogleContainerTools/skaffold/v2@v2.13.2";
const publicSchemas = [
  "default",
  "https://raw.githubusercontent.com/datreeio/CRDs-catalog/main/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json",
];

const limitMinutes = 20;
const until = Date.now() + limitMinutes * 60_000;
/** Never 0, which would be no limit to Node. */
const leftMs = () => Math.max(1, until - Date.now());

const strict = process.argv.includes("--strict");
if (!hasGo()) {
  console.log("SKIP  helm/ and k8s/ were not checked: Go is needed to build the tools (scripts/kube-tools.mjs).");
  process.exit(strict ? 1 : 0);
}
const tools = ensureTools(leftMs);
const schemas = process.env.KUBE_SCHEMAS
  ? [writeSchemas(process.env.KUBE_SCHEMAS, ".cache/kube-schemas")]
  : publicSchemas;
/** False where neither a folder nor the public schemas are at hand. */
const canValidate = conform("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n").status === 0;
if (!canValidate)
  console.log("SKIP  nothing is validated: KUBE_SCHEMAS is not set, and the public schemas cannot be had.");
const valueFiles = [...globSync(`${chart}/ci/*-values.yaml`).toSorted(), "k8s/dev/values.yaml"];
const faults = [];

step("chart lints", () => {
  for (const file of valueFiles)
    for (const version of kubeVersions)
      run(
        tools.helm,
        ["lint", "--strict", "--quiet", "--kube-version", version, "-f", file, chart],
        `${file} ${version}`,
      );
});
step("rendered objects are what Kubernetes knows", () => {
  if (!canValidate) return;
  for (const file of valueFiles)
    for (const version of kubeVersions) validate(render(file, version), `${basename(file)} on ${version}`, version);
});
step("a misspelled field is noticed", () => {
  if (!canValidate) return;
  const text = ["production", "keda"]
    .map((name) => render(`${chart}/ci/${name}-values.yaml`, kubeVersions[0]))
    .join("\n");
  for (const [right, wrong] of misspellings) {
    if (!text.includes(right)) faults.push(`nothing says ${right}`);
    else if (conform(text.replace(right, wrong)).status === 0) faults.push(`${wrong} was taken for good`);
  }
});
step("kustomize builds k8s/", () => {
  for (const file of globSync("k8s/*/kustomization.yaml"))
    validate(run(tools.kustomize, ["build", join(file, "..")], file), file);
});
step("skaffold.yaml is what skaffold knows", () => {
  const { Dir: module } = JSON.parse(run("go", ["mod", "download", "-json", skaffold], skaffold));
  const text = readFileSync("skaffold.yaml", "utf8");
  const [, version] = /^apiVersion: skaffold\/(\w+)$/m.exec(text);
  const location = join(module, `docs-v2/content/en/schemas/${version}.json`);
  const { status, stdout, stderr, error } = spawnSync(
    tools.kubeconform,
    ["-strict", "-schema-location", location, "-"],
    {
      input: text,
      encoding: "utf8",
      timeout: leftMs(),
    },
  );
  if (status !== 0) faults.push(error?.message ?? `${stdout}${stderr}`);
});
step("README of the chart", () => {
  const target = join(chart, "README.md");
  const before = readFileSync(target, "utf8");
  run(tools["helm-docs"], ["--chart-search-root", "helm", "--log-level", "error"], "helm-docs");
  const after = readFileSync(target, "utf8");
  if (after === before || process.argv.includes("--write")) return;
  writeFileSync(target, before);
  faults.push(`${target} is not what values.yaml says; run npm run check:kube -- --write`);
});
step("what the templates decide", () => {
  const jest = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "node_modules/jest/bin/jest.js"];
  const env = { ...process.env, HELM: tools.helm };
  run(process.execPath, [...jest, "--selectProjects", "kube"], "tests", { env, stdio: "inherit" });
});
process.exitCode = faults.length === 0 && (canValidate || !strict) ? 0 : 1;

function step(title, work) {
  const before = faults.length;
  const from = Date.now();
  work();
  const found = faults.slice(before);
  console.log(`${found.length === 0 ? "ok  " : "FAIL"} ${title} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
  for (const fault of found) console.log(fault);
}

function render(file, version) {
  return run(tools.helm, ["template", "hub", chart, "--namespace", "hub", "--kube-version", version, "-f", file], file);
}

function validate(text, title, version) {
  const { status, stdout, stderr, error } = conform(text, version);
  if (canValidate && status !== 0) faults.push(`${title}: ${error?.message ?? `${stdout}${stderr}`}`);
}

/** The schemas of a folder are of the one version that they are of, whichever is asked for. */
function conform(text, version = kubeVersions[0]) {
  const args = ["-strict", "-kubernetes-version", version, ...schemas.flatMap((one) => ["-schema-location", one])];
  return spawnSync(tools.kubeconform, [...args, "-"], { input: text, encoding: "utf8", timeout: leftMs() });
}

function run(command, args, title, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: leftMs(),
    ...options,
  });
  if (status !== 0) faults.push(`${title}: ${error?.message ?? `${stdout ?? ""}${stderr ?? ""}`}`);
  return stdout ?? "";
}
