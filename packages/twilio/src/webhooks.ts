// The door for whoever receives webhooks: everything but the provider, and so without the SDK.
export * from "./callback-form.ts";
export { readCallbackQuery, readPublicWebhookUrl, statusCallbackPath, statusCallbackUrl } from "./callback-url.ts";
export type { CallbackTarget } from "./callback-url.ts";
export * from "./error-classes.ts";
export type { ErrorClass, ErrorEntry } from "./error-table.ts";
export * from "./signature.ts";
