export type { DrainOptions, DrainResult } from "./drain.ts";
export type { Durability } from "./durability.ts";
export { knownToBeEmpty } from "./known-to-be-empty.ts";
export * from "./outcome-fact.ts";
export { createSpool, defaultMaxMb, type Spool, type SpoolOptions, type SpoolSize } from "./spool.ts";
