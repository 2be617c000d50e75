import { createRedisConnection } from "@wahub/queue";
import { createSpool, knownToBeEmpty, outcomeSpool } from "@wahub/spool";

/** Whether an attempt without an answer may be taken for one that Twilio never got. */
export interface AbsenceCheck {
  /**
   * False while an outcome may lie in the senders' spool that would say otherwise: also where Redis does not answer, and
   * where this service was not told of any.
   */
  readonly mayDecideAbsence: () => Promise<boolean>;
  readonly close: () => void;
}

/** Asks the spool in Redis, which senders write to while PostgreSQL is away. */
export function createAbsenceCheck(options: { redisUrl: string | undefined; prefix: string }): AbsenceCheck {
  if (options.redisUrl === undefined) return { mayDecideAbsence: () => Promise.resolve(false), close: () => {} };
  const redis = createRedisConnection(options.redisUrl, { role: "commands", name: "absence" });
  const spool = createSpool({ redis, prefix: options.prefix, name: outcomeSpool });
  return { mayDecideAbsence: knownToBeEmpty(spool), close: () => redis.disconnect() };
}
