import { loadConfig, runService } from "@wahub/platform";
import { createDispatch } from "./app.ts";
import { config } from "./config.ts";

await runService({ name: "dispatch", load: (env) => loadConfig(config, env), create: createDispatch });
