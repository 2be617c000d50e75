/**
 * What a process can be told through its environment: one entry per variable. Adding one is all there is to do: the
 * type, the check at start, and the generated page in docs follow from it.
 */
export interface ConfigKey<T = unknown> {
  /** Turns the text into a value, or throws an Error whose message says what would be right. */
  readonly parse: (text: string) => T;
  /** Taken when the variable is unset or empty. */
  readonly default?: T;
  /** Without a default: unset is fine and gives `undefined`. */
  readonly optional?: boolean;
  /** Of an optional variable: the one that needs it. Once that is set, this must be set, too. */
  readonly requiredWith?: string;
  /** Its value appears in no error and no documentation. */
  readonly secret?: boolean;
  /** One sentence for whoever runs the process. */
  readonly doc: string;
}

/**
 * Declared as `const schema = { GRPC_PORT: { parse: port, default: 50051, doc: "..." } } satisfies ConfigSchema`; schemas
 * are joined by spreading.
 */
export type ConfigSchema = Readonly<Record<string, ConfigKey>>;

/** The values of a schema, each under the name of its variable. */
export type Config<S extends ConfigSchema> = {
  readonly [K in keyof S]: S[K] extends { default: unknown }
    ? Parsed<S[K]>
    : S[K] extends { optional: true }
      ? Parsed<S[K]> | undefined
      : Parsed<S[K]>;
};

type Parsed<K extends ConfigKey> = ReturnType<K["parse"]>;

/** The environment is not usable. The message has one line per fault and no secret. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

/**
 * Reads the variables that the schema names; an empty one counts as unset. Throws one ConfigError that lists every
 * fault, so that a wrong deployment is corrected in one go.
 */
export function loadConfig<S extends ConfigSchema>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): Config<S> {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, key] of Object.entries(schema)) {
    const text = env[name] ?? "";
    if (text !== "") {
      try {
        values[name] = key.parse(text);
      } catch (error) {
        faults.push(fault(name, key, text, error));
      }
    } else if (key.requiredWith !== undefined && (env[key.requiredWith] ?? "") !== "") {
      faults.push(`${name} is not set; it is required when ${key.requiredWith} is: ${key.doc}`);
    } else if ("default" in key || key.optional === true) {
      values[name] = key.default;
    } else {
      faults.push(`${name} is not set; it is required: ${key.doc}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return values as Config<S>;
}

/** One row of the generated page about configuration. */
export interface ConfigRow {
  readonly name: string;
  /** As text; empty where there is none. */
  readonly default: string;
  readonly required: boolean;
  readonly secret: boolean;
  readonly doc: string;
}

/** The schema for people, in its own order. */
export function describeConfig(schema: ConfigSchema): ConfigRow[] {
  return Object.entries(schema).map(([name, key]) => ({
    name,
    default: key.secret === true ? "" : shown(key.default),
    required: !("default" in key) && key.optional !== true,
    secret: key.secret === true,
    doc: key.doc,
  }));
}

function fault(name: string, key: ConfigKey, text: string, error: unknown): string {
  // A parser's own words may repeat what it was given, so for a secret they are left out when they do.
  const reason = error instanceof Error ? error.message : "not understood";
  if (key.secret !== true) return `${name} is ${JSON.stringify(text)}: ${reason}`;
  return `${name} is wrong (its value is secret): ${reason.includes(text) ? key.doc : reason}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(",");
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
