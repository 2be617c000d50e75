import { HubError } from "@wahub/domain";

/** One thing the process needs before it can do its work, as it stands now. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** True: worth knowing, but the process does its work without it and stays ready. */
  readonly optional?: true;
  /** Why not. Ends up in an answer that needs no credentials: no addresses, no names of users. */
  readonly reason?: string;
}

export type Readiness = () => Promise<readonly ReadinessCheck[]> | readonly ReadinessCheck[];

/**
 * A Readiness that runs the named probes side by side. A probe passes by resolving (with anything but `false`) and fails
 * by throwing or by taking longer than the timeout (1 s by default). The words of a HubError become the reason.
 *
 * @param options.optional names of probes that are reported and do not decide
 */
export function readinessChecks(
  probes: Readonly<Record<string, () => unknown>>,
  options: { readonly timeoutMs?: number; readonly optional?: readonly string[] } = {},
): Readiness {
  const { timeoutMs = 1_000, optional = [] } = options;
  return () =>
    Promise.all(
      Object.entries(probes).map(async ([name, probe]) => {
        const result = await check(name, probe, timeoutMs);
        return optional.includes(name) ? { ...result, optional: true } : result;
      }),
    );
}

/** True when nothing is missing that the process cannot do without. */
export function isReady(checks: readonly ReadinessCheck[]): boolean {
  return checks.every(({ ok, optional }) => ok || optional === true);
}

/** Settles as the promise does, or throws after the time. What the promise stands for goes on. */
export async function withTimeout<T>(promise: Promise<T>, timeoutMs: number, text: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(text)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function check(name: string, probe: () => unknown, timeoutMs: number): Promise<ReadinessCheck> {
  try {
    const answer = await withTimeout(Promise.resolve().then(probe), timeoutMs, "no answer in time");
    return answer === false ? { name, ok: false } : { name, ok: true };
  } catch (error) {
    if (error instanceof HubError) return { name, ok: false, reason: error.message };
    const late = error instanceof Error && error.message === "no answer in time";
    return { name, ok: false, reason: late ? `no answer within ${timeoutMs} ms` : "failed" };
  }
}
