// Which environment variables programs of this project may see. Everything else on the machine stays outside.

/** What any program needs to run at all. LC_* belongs to it. */
const BASIC_VARIABLES = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "NODE_COMPILE_CACHE"];

/** How to write to the terminal. */
export const TERMINAL_VARIABLES = ["TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CI"];

/** What a run of the fuzz tests is told: which one it is, and how long. */
export const TEST_VARIABLES = ["SEED", "FUZZ_REQUESTS"];

/** How to reach package archives from here; only for programs that download, never for services. */
export const DOWNLOAD_VARIABLES = [
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "APT_CONFIG",
];

/**
 * A new environment with the basic variables of `source`, those named in `also`, and `set` on top.
 * Nothing else passes: no TWILIO_*, DATABASE_URL, REDIS_URL, PG*, OTEL_*, NODE_OPTIONS or proxies.
 */
export function allowedEnvironment(source, { also = [], set = {} } = {}) {
  const names = new Set([...BASIC_VARIABLES, ...also]);
  const passed = Object.entries(source).filter(
    ([name, value]) => value !== undefined && (names.has(name) || name.startsWith("LC_")),
  );
  return { ...Object.fromEntries(passed), ...set };
}
