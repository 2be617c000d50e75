/** One thing the process needs before it can do its work, as it stands now. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why not. Ends up in an answer that needs no credentials: no addresses, no names of users. */
  readonly reason?: string;
}

export type Readiness = () => Promise<readonly ReadinessCheck[]> | readonly ReadinessCheck[];

/**
 * A Readiness that runs the named probes side by side. A probe passes by resolving (with anything but `false`) and fails
 * by throwing or by taking longer than the timeout (1 s by default).
 */
export function readinessChecks(
  probes: Readonly<Record<string, () => unknown>>,
  options: { readonly timeoutMs?: number } = {},
): Readiness {
  const timeoutMs = options.timeoutMs ?? 1_000;
  return () => Promise.all(Object.entries(probes).map(([name, probe]) => check(name, probe, timeoutMs)));
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
    const late = error instanceof Error && error.message === "no answer in time";
    return { name, ok: false, reason: late ? `no answer within ${timeoutMs} ms` : "failed" };
  }
}
