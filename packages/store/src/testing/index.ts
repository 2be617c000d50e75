export * from "./database-line.ts";
export * from "./read-faults.ts";
export * from "./row-signal.ts";
export * from "./sample-batch.ts";
export * from "./test-database.ts";
export * from "./balance.ts";
export * from "./walk.ts";
