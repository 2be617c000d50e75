import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What every metric of ours declares. */
export interface MetricSpec<L extends string> {
  /** `whatsapphub_<noun>_<unit>`, with `_total` for counters; base units (seconds, bytes). */
  readonly name: string;
  readonly help: string;
  /** Names of the labels. Their values come from closed sets: never an id, a phone number or a text from outside. */
  readonly labels?: readonly L[];
}

export interface HistogramSpec<L extends string> extends MetricSpec<L> {
  /** Upper bounds in the unit of the metric; by default 1 ms to 60 s. */
  readonly buckets?: readonly number[];
}

export interface GaugeSpec<L extends string> extends MetricSpec<L> {
  /** Asked for the value whenever metrics are read. If it fails, all of /metrics does: catch what may go wrong. */
  readonly read?: () => number | Promise<number>;
}

/** The metrics of one process. Asking again for a name gives the same metric, so components can share one. */
export interface Metrics {
  readonly registry: Registry;
  /** Throws if the name does not start with `whatsapphub_` or stands for another kind of metric already. */
  counter<L extends string = never>(spec: MetricSpec<L>): Counter<L>;
  /** As `counter`. */
  histogram<L extends string = never>(spec: HistogramSpec<L>): Histogram<L>;
  /** As `counter`. */
  gauge<L extends string = never>(spec: GaugeSpec<L>): Gauge<L>;
}

const prefix = "whatsapphub_";
const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A registry of its own with the process's default metrics; every metric is labelled with the service. */
export function createMetrics(options: { readonly service: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service });
  collectDefaultMetrics({ register: registry });

  function once<M extends object>(kind: abstract new (...args: never[]) => M, name: string, make: () => M): M {
    if (!name.startsWith(prefix)) throw new Error(`the metric ${name} must be named ${prefix}<noun>_<unit>`);
    const existing: unknown = registry.getSingleMetric(name);
    if (existing === undefined) return make();
    if (!(existing instanceof kind)) throw new Error(`the metric ${name} exists already as another kind`);
    return existing;
  }

  return {
    registry,
    counter: (spec) => once(Counter, spec.name, () => new Counter({ ...base(spec), registers: [registry] })),
    histogram: (spec) =>
      once(Histogram, spec.name, () => {
        const buckets = [...(spec.buckets ?? secondsBuckets)];
        return new Histogram({ ...base(spec), buckets, registers: [registry] });
      }),
    gauge: (spec) =>
      once(Gauge, spec.name, () => {
        const gauge = new Gauge({ ...base(spec), registers: [registry], ...reader(spec.read) });
        return gauge;
      }),
  };
}

function base<L extends string>(spec: MetricSpec<L>) {
  return { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])] };
}

function reader<L extends string>(read: GaugeSpec<L>["read"]): { collect?: (this: Gauge<L>) => Promise<void> } {
  if (read === undefined) return {};
  return {
    async collect() {
      this.set(await read());
    },
  };
}
