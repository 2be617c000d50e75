import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ConfigSchema } from "@wahub/platform";
import { PROJECT_ROOT } from "../project.ts";
import { SERVICE_NAMES, type ServiceName } from "../service-name.ts";

export type ServiceSchemas = Readonly<Record<ServiceName, ConfigSchema>>;

/** What each service can be told, from its own config.ts. */
export async function loadServiceSchemas(): Promise<ServiceSchemas> {
  const loaded = SERVICE_NAMES.map(async (name) => {
    const file = pathToFileURL(join(PROJECT_ROOT, "services", name, "src", "config.ts"));
    const { config } = (await import(file.href)) as { config: ConfigSchema };
    return [name, config];
  });
  return Object.fromEntries(await Promise.all(loaded)) as ServiceSchemas;
}
