import { loadConfig, runService } from "@wahub/platform";
import { createGateway } from "./app.ts";
import { config } from "./config.ts";

await runService({ name: "gateway", load: (env) => loadConfig(config, env), create: createGateway });
