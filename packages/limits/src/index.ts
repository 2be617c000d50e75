export type { LimiterOptions, RateLimiter, Turn, TurnRequest } from "./limiter.ts";
export * from "./memory-limiter.ts";
export * from "./redis-limiter.ts";
