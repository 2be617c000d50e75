export type { LimiterOptions, RateLimiter, Turn, TurnRequest, UnusedTurn } from "./limiter.ts";
export * from "./memory-limiter.ts";
export * from "./redis-limiter.ts";
