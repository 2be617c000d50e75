// The tools that look at the chart, pinned in this one place and built from source by Go into .cache/bin, once. Go's checksum
// database vouches for what is downloaded.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(".cache/bin");

// Without these a helm of one's own making believes in Kubernetes 1.20.
const kubeVersion = ["chartutil", "lint/rules"].flatMap((where) => [
  `-X helm.sh/helm/v3/pkg/${where}.k8sVersionMajor=1`,
  `-X helm.sh/helm/v3/pkg/${where}.k8sVersionMinor=32`,
]);

/** By name: the Go package with its version, and flags of the linker. */
const pinned = {
  helm: { from: "helm.sh/helm/v3/cmd/helm@v3.21.4", ldflags: ["-s", "-w", ...kubeVersion].join(" ") },
  kubeconform: { from: "github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0", ldflags: "-s -w" },
  "helm-docs": { from: "github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2", ldflags: "-s -w" },
  kustomize: { from: "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1", ldflags: "-s -w" },
};

/** Where Go is: what else could be said without it is little. */
export function hasGo() {
  return spawnSync("go", ["version"]).status === 0;
}

/**
 * Paths of all tools by name; builds what is missing or of another version. Throws with the words of Go.
 *
 * @param leftMs says how long it may still take
 */
export function ensureTools(leftMs, say = console.log) {
  mkdirSync(folder, { recursive: true });
  return Object.fromEntries(Object.entries(pinned).map(([name, how]) => [name, ensureTool(name, how, leftMs, say)]));
}

function ensureTool(name, how, leftMs, say) {
  const path = join(folder, name);
  const stamp = join(folder, `.${name}.json`);
  const wanted = JSON.stringify(how);
  if (existsSync(path) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return path;
  say(`building ${how.from} ...`);
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0", GOFLAGS: "-trimpath" };
  const args = ["install", "-ldflags", how.ldflags, how.from];
  const { status, stderr, error } = spawnSync("go", args, { env, encoding: "utf8", timeout: leftMs() });
  if (status !== 0) throw new Error(`${how.from} could not be built: ${error?.message ?? stderr.slice(-2000)}`);
  writeFileSync(stamp, wanted);
  return path;
}
