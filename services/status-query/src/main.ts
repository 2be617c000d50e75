import { loadConfig, runService } from "@wahub/platform";
import { createStatusQuery } from "./app.ts";
import { config } from "./config.ts";

await runService({ name: "status-query", load: (env) => loadConfig(config, env), create: createStatusQuery });
