import { loadConfig, runService } from "@wahub/platform";
import { createSender } from "./app.ts";
import { config } from "./config.ts";

await runService({ name: "sender", load: (env) => loadConfig(config, env), create: createSender });
