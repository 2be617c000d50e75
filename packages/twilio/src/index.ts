export type { ListedMessage, ListFailure } from "./list-page.ts";
export * from "./message-list.ts";
export * from "./outcome.ts";
export * from "./provider.ts";
export * from "./webhooks.ts";
