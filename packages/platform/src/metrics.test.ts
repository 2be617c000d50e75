import { expect, test } from "@jest/globals";
import { createMetrics } from "./metrics.ts";

test("metrics of a process carry its name and stand beside those of the process itself", async () => {
  const metrics = createMetrics({ service: "sender" });
  metrics.counter({ name: "whatsapphub_sends_total", help: "Sends", labels: ["outcome"] }).inc({ outcome: "ok" });
  metrics.gauge({ name: "whatsapphub_waiting_messages", help: "Waiting", read: () => 7 });
  const text = await metrics.registry.metrics();
  expect(text).toContain('whatsapphub_sends_total{outcome="ok",service="sender"} 1');
  expect(text).toContain('whatsapphub_waiting_messages{service="sender"} 7');
  expect(text).toContain("process_cpu_seconds_total");
});

test("asking twice for a metric gives the same one", () => {
  const metrics = createMetrics({ service: "sender" });
  const spec = { name: "whatsapphub_sends_total", help: "Sends" };
  expect(metrics.counter(spec)).toBe(metrics.counter(spec));
  expect(() => metrics.gauge(spec)).toThrow("exists already as another kind");
});

test("a name outside our own is refused", () => {
  const metrics = createMetrics({ service: "sender" });
  expect(() => metrics.counter({ name: "sends_total", help: "Sends" })).toThrow("must be named whatsapphub_");
});

test("a histogram counts in seconds unless told otherwise", async () => {
  const metrics = createMetrics({ service: "sender" });
  metrics.histogram({ name: "whatsapphub_send_duration_seconds", help: "Time" }).observe(0.3);
  metrics.histogram({ name: "whatsapphub_batch_size_messages", help: "Size", buckets: [1, 10] }).observe(3);
  const text = await metrics.registry.metrics();
  expect(text).toContain('whatsapphub_send_duration_seconds_bucket{le="0.5",service="sender"} 1');
  expect(text).toContain('whatsapphub_batch_size_messages_bucket{le="10",service="sender"} 1');
});
