import { describe, expect, test } from "@jest/globals";
import { all, development, enough, type KubeObject, pods, render } from "./rendered.ts";

const outside = {
  ingressFrom: [{ namespaceSelector: { matchLabels: { end: "ingress" } } }],
  grpcFrom: [{ namespaceSelector: { matchLabels: { end: "callers" } } }],
  metricsFrom: [{ namespaceSelector: { matchLabels: { end: "monitoring" } } }],
  postgresTo: [{ ipBlock: { cidr: "10.1.0.0/24" } }],
  redisTo: [{ ipBlock: { cidr: "10.2.0.0/24" } }],
};

/** Who may talk to whom, port by port. Whatever is not here is not allowed. */
const expected = [
  "callers -> dispatch:50051",
  "callers -> status-query:50052",
  "dispatch -> postgres:5432",
  "dispatch -> redis:6379",
  "gateway -> dispatch:50051",
  "gateway -> status-query:50052",
  "ingress -> gateway:8080",
  "ingress -> webhook-ingest:8081",
  "migrate -> postgres:5432",
  "monitoring -> dispatch:9102",
  "monitoring -> gateway:9101",
  "monitoring -> sender:9103",
  "monitoring -> status-query:9105",
  "monitoring -> webhook-ingest:9104",
  "sender -> anyone:443",
  "sender -> postgres:5432",
  "sender -> redis:6379",
  "status-query -> postgres:5432",
  "test -> dispatch:50051",
  "test -> gateway:8080",
  "test -> status-query:50052",
  "webhook-ingest -> anyone:443",
  "webhook-ingest -> postgres:5432",
  "webhook-ingest -> redis:6379",
];

describe("network policies", () => {
  test("allow the edges of the table and no other", () => {
    expect(edgesOf(render({ ...enough, networkPolicy: outside }))).toEqual(expected);
  });

  test("of an edge between two pods of the release, both ends know", () => {
    const policies = all(render(development), "NetworkPolicy");
    const own = new Set(policies.map(nameOf));
    const inner = (edges: string[]): string[] =>
      edges.filter((edge) => edge.split(/ -> |:/, 2).every((end) => own.has(end))).toSorted();
    const into = inner(policies.flatMap(ingressOf));
    expect(into).toEqual(inner(policies.flatMap(egressOf)));
    expect(into).toContain("sender -> simulator:8090");
    expect(into).toContain("simulator -> webhook-ingest:8081");
  });

  test("with a simulated Twilio nobody talks to the world", () => {
    expect(edgesOf(render(development)).filter((edge) => edge.endsWith("anyone:443"))).toEqual([]);
  });

  test("every pod is under one, and everybody may look up names", () => {
    for (const objects of [render(enough), render(development)]) {
      const policies = all(objects, "NetworkPolicy");
      const covered = policies.map((one) => one.spec.podSelector.matchLabels["app.kubernetes.io/component"]);
      for (const pod of pods(objects)) expect(covered).toContain(pod.labels["app.kubernetes.io/component"]);
      for (const one of policies) {
        expect(one.spec.policyTypes).toEqual(["Ingress", "Egress"]);
        expect(one.spec.egress[0]).toEqual({
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        });
      }
    }
  });

  test("callers of gRPC are let in only where they are named", () => {
    const edges = edgesOf(render(enough));
    expect(edges).not.toContain("anyone -> dispatch:50051");
    expect(edges).toContain("anyone -> gateway:8080");
  });
});

function edgesOf(objects: KubeObject[]): string[] {
  const policies = all(objects, "NetworkPolicy");
  return [...new Set(policies.flatMap((one) => [...ingressOf(one), ...egressOf(one)]))].toSorted();
}

function ingressOf(policy: KubeObject): string[] {
  return rulesOf(policy.spec.ingress, "from").map(({ end, port }) => `${end} -> ${nameOf(policy)}:${port}`);
}

function egressOf(policy: KubeObject): string[] {
  return rulesOf(policy.spec.egress, "to")
    .filter(({ port }) => port !== 53)
    .map(({ end, port }) => `${nameOf(policy)} -> ${end}:${port}`);
}

function rulesOf(rules: KubeObject[] | null, side: "from" | "to"): { end: string; port: number }[] {
  return (rules ?? []).flatMap((rule) =>
    rule.ports.flatMap(({ port }: { port: number }) =>
      (rule[side] ?? [undefined]).map((peer: KubeObject) => ({ end: endOf(peer), port })),
    ),
  );
}

function endOf(peer: KubeObject): string {
  if (peer === undefined) return "anyone";
  const labels = peer.podSelector?.matchLabels ?? peer.namespaceSelector?.matchLabels;
  if (labels !== undefined) return labels.end ?? labels["app.kubernetes.io/component"];
  return peer.ipBlock.cidr === "10.1.0.0/24" ? "postgres" : "redis";
}

function nameOf(policy: KubeObject): string {
  return policy.spec.podSelector.matchLabels["app.kubernetes.io/component"];
}
