export * from "./outcome.ts";
export * from "./provider.ts";
export * from "./webhooks.ts";
