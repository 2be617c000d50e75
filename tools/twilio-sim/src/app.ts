import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { createAnnouncer } from "./callbacks/announcer.ts";
import { createCallbackDelivery } from "./callbacks/delivery.ts";
import { createCallbackFate } from "./callbacks/fate.ts";
import { createPoster } from "./callbacks/poster.ts";
import { systemClock } from "./clock.ts";
import { createDice } from "./dice.ts";
import { createIdleness } from "./idleness.ts";
import { createKnobBoard } from "./knobs/knob-board.ts";
import { createLogger } from "./logger.ts";
import { createNextStep } from "./messages/next-step.ts";
import { createTimeline } from "./messages/timeline.ts";
import { createRuns } from "./run.ts";
import { createScheduler } from "./scheduler.ts";
import { createSimRouter } from "./sim-api/sim-router.ts";
import { createMessage } from "./twilio-api/create-message.ts";
import { createAuthenticate } from "./twilio-api/credentials.ts";
import { createDoor } from "./twilio-api/door.ts";
import { getMessage } from "./twilio-api/get-message.ts";
import { listMessages } from "./twilio-api/list-messages.ts";
import { createListLuck } from "./twilio-api/list-luck.ts";
import { createMisfits } from "./twilio-api/misfits.ts";
import { createMisfortunes } from "./twilio-api/misfortune.ts";
import { createTwilioRouter } from "./twilio-api/twilio-router.ts";
import { createParameterNotice } from "./twilio-api/unknown-parameters.ts";
import type { Clock } from "./clock.ts";
import type { SimConfig } from "./config.ts";
import type { Logger } from "./logger.ts";

/**
 * Longer than any client keeps an idle socket: when the server is the first to let go, a client that is just reusing the
 * socket sees a reset and cannot know whether its message was taken. Resets are for knobs to cause, not for chance.
 */
const KEEP_ALIVE_MS = 65_000;

/** How long open requests get to end when the simulator stops. */
const STOP_GRACE_MS = 500;

/** A Twilio that runs on this machine. */
export interface TwilioSim {
  /** Listens. Rejects with the system's error when the port cannot be had. */
  start(): Promise<{ port: number }>;
  /** Stops listening, forgets waiting callbacks and closes every connection; takes at most half a second. */
  stop(): Promise<void>;
}

/** What a test may bring along. */
export interface SimOverrides {
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Builds a simulator; nothing happens before `start`. */
export function createTwilioSim(config: SimConfig, overrides: SimOverrides = {}): TwilioSim {
  const { accountSid, authTokens, seed } = config;
  const { clock = systemClock, log = createLogger(config.logLevel) } = overrides;
  const dice = createDice(seed);
  const knobs = createKnobBoard(config.knobs);
  const runs = createRuns(clock);

  const answers = createScheduler(clock);
  const ended = (): void => idleness.check();
  const scheduler = createScheduler(clock, ended);
  const idleness = createIdleness({ clock, runs, scheduler });
  const poster = createPoster();
  const authToken = authTokens[0]!;
  const delivery = createCallbackDelivery({ accountSid, authToken, clock, scheduler, knobs, poster, ended });
  const announcer = createAnnouncer({ knobs, fate: createCallbackFate(dice), delivery, log });
  const timeline = createTimeline({ clock, scheduler, knobs, nextStep: createNextStep(dice), announcer });

  const forget = (): void => {
    scheduler.clear();
    announcer.clear();
    delivery.clear();
  };

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const authenticate = createAuthenticate(accountSid, authTokens);
  const door = createDoor({ accountSid, authenticate, clock, knobs, runs, log });
  const create = createMessage({
    accountSid,
    senders: new Set(config.senders),
    clock,
    scheduler: answers,
    knobs,
    runs,
    jitter: dice.for("latency"),
    misfortunes: createMisfortunes(dice, knobs),
    misfits: createMisfits(dice, knobs),
    timeline,
    delivery,
    notice: createParameterNotice(log),
  });
  const list = listMessages({ accountSid, clock, runs, luck: createListLuck(dice, knobs) });
  const operations = { create, list, get: getMessage(accountSid, runs) };
  app.use(createTwilioRouter(door, operations));
  const reset = (): void => {
    runs.startAgain();
    forget();
    knobs.reset();
  };
  app.use("/sim", createSimRouter({ runs, knobs, timelineScheduler: scheduler, idleness, reset, log }));

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, app);

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(config.httpPort, config.host, () => {
          server.off("error", reject);
          resolve({ port: (server.address() as AddressInfo).port });
        });
      }),
    async stop() {
      runs.close();
      forget();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const patience = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
      await poster.close();
      await closed;
      clearTimeout(patience);
      answers.clear();
    },
  };
}
