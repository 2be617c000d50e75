import { describeLimiter } from "./testing/limiter-suite.ts";
import { createMemoryLimiter } from "./memory-limiter.ts";

describeLimiter("memory", (options, clock) => createMemoryLimiter({ ...options, now: () => clock.now }));
