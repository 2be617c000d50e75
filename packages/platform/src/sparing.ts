/**
 * For log lines that something outside could cause a thousand times a second: a flood, an outage. Counters have them
 * all; the log gets at most one line per key in this time.
 *
 * @returns asked before each line: how many of its key went unsaid since the last one, or undefined to be silent now
 */
export function createSparing(everyMs: number): (key: string) => number | undefined {
  const said = new Map<string, { at: number; unsaid: number }>();
  return (key) => {
    const now = performance.now();
    const last = said.get(key);
    if (last !== undefined && now - last.at < everyMs) {
      last.unsaid += 1;
      return undefined;
    }
    said.set(key, { at: now, unsaid: 0 });
    return last?.unsaid ?? 0;
  };
}
