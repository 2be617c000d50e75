import { randomUUID } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { countRefusal } from "../stats.ts";
import { TwilioFault, notFound } from "./twilio-fault.ts";
import { writeAnswer } from "./write-answer.ts";
import type { Clock } from "../clock.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Logger } from "../logger.ts";
import type { Runs } from "../run.ts";
import type { Answer } from "./answer.ts";
import type { Authenticate } from "./credentials.ts";

/** One operation of the API: an authenticated request in, an answer out. It refuses by throwing a TwilioFault. */
export type Operation = (req: Request) => Answer | Promise<Answer>;

interface Deps {
  readonly accountSid: string;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly knobs: KnobBoard;
  readonly runs: Runs;
  readonly log: Logger;
}

/** What every operation has in common: credentials, the account in the path, Twilio's headers and error bodies. */
export function createDoor({
  accountSid,
  authenticate,
  clock,
  knobs,
  runs,
  log,
}: Deps): (run: Operation) => RequestHandler {
  let inProgress = 0;

  return (operation) => async (req, res) => {
    const startedAt = clock.now();
    inProgress += 1;
    const concurrent = inProgress;
    const answer = await admit(req, operation).catch(refusal);
    inProgress -= 1;
    if (answer.body instanceof TwilioFault) countRefusal(runs.current.stats, answer.body.code);
    const { retryAfterS } = knobs.current;
    writeAnswer(res, answer, {
      "Twilio-Request-Id": `RQ${answer.requestDigits ?? randomUUID().replaceAll("-", "")}`,
      "Twilio-Concurrent-Requests": concurrent,
      "Twilio-Request-Duration": ((clock.now() - startedAt) / 1000).toFixed(3),
      ...(answer.status === 429 &&
        retryAfterS > 0 &&
        answer.withoutRetryAfter !== true && { "Retry-After": retryAfterS }),
      ...(answer.status === 401 && { "WWW-Authenticate": 'Basic realm="Twilio API"' }),
    });
  };

  async function admit(req: Request, operation: Operation): Promise<Answer> {
    if (!authenticate(req.headers.authorization)) throw new TwilioFault(401, 20003);
    // Twilio does not say whose account it is: to these credentials there is nothing here.
    if (req.params["accountSid"] !== accountSid) throw notFound(req.path);
    return operation(req);
  }

  function refusal(error: unknown): Answer {
    const fault = error instanceof TwilioFault ? error : new TwilioFault(500, 20500);
    if (fault !== error) log.error("request_failed", { error: String(error) });
    return { status: fault.status, body: fault };
  }
}
