import { createStartStep, type Component, type Logger } from "@wahub/platform";
import { declareSender, requireApiKey, withStoreErrors, type Store } from "@wahub/store";
import type { DispatchConfig } from "./config.ts";

/**
 * What has to be in the database before the first call: the schema, a key to call with, and the sender that the
 * environment declares. Waits for a database that is away or not migrated. Safe from many replicas at once.
 */
export function createBootstrap(deps: {
  config: DispatchConfig;
  store: Store;
  now: () => Date;
  log: Logger;
}): Component {
  const { config, store, now, log } = deps;
  return createStartStep({
    name: "bootstrap",
    log,
    run: () =>
      withStoreErrors(async () => {
        await store.requireSchema();
        await requireApiKey(store, config.BOOTSTRAP_API_KEY, now());
        if (config.TWILIO_ACCOUNT_SID === undefined || config.TWILIO_WHATSAPP_FROM === undefined) return;
        await declareSender(store, {
          accountSid: config.TWILIO_ACCOUNT_SID,
          phone: config.TWILIO_WHATSAPP_FROM,
          messagesPerSecond: config.SENDER_MESSAGES_PER_SECOND,
          now: now(),
        });
      }),
  });
}
