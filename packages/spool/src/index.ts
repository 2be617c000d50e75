export type { DrainOptions, DrainResult } from "./drain.ts";
export type { Durability } from "./durability.ts";
export * from "./outcome-fact.ts";
export { createSpool, type Spool, type SpoolOptions, type SpoolSize } from "./spool.ts";
