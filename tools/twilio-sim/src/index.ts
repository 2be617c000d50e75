export { createTwilioSim } from "./app.ts";
export { simConfig } from "./config.ts";
export type { SimOverrides, TwilioSim } from "./app.ts";
export type { Clock } from "./clock.ts";
export type { SimConfig } from "./config.ts";
export type { Knobs } from "./knobs/knobs.ts";
export type { Logger } from "./logger.ts";
export type { SimStats } from "./sim-api/get-stats.ts";
export type { LedgerEntry, LedgerPage } from "./sim-api/ledger-entry.ts";
