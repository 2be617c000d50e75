import { loadConfig, runService } from "@wahub/platform";
import { createWebhookIngest } from "./app.ts";
import { config } from "./config.ts";

await runService({ name: "webhook-ingest", load: (env) => loadConfig(config, env), create: createWebhookIngest });
