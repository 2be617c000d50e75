import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

export type ScriptArgument = string | number | Buffer;

/** A script of `lua/`, run by its digest; Redis gets its text where it lacks it: after a restart or SCRIPT FLUSH. */
export function loadScript(name: string) {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
  const sha = createHash("sha1").update(text).digest("hex");
  return async (redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<number> => {
    const call = [keys.length, ...keys, ...args] as [number, ...ScriptArgument[]];
    try {
      return (await redis.evalsha(sha, ...call)) as number;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return (await redis.eval(text, ...call)) as number;
    }
  };
}
