export type RedisVersion = readonly [major: number, minor: number];

/** Streams and commands the project uses came with it. */
export const OLDEST_REDIS: RedisVersion = [6, 2];

/** From the answer to `--version` of Redis or Valkey; undefined for anything else. */
export function parseRedisVersion(answer: string): RedisVersion | undefined {
  const [, major, minor] = /^(?:Redis|Valkey) server v=(\d+)\.(\d+)/m.exec(answer) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

export function isAtLeast([major, minor]: RedisVersion, [wantedMajor, wantedMinor]: RedisVersion): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
