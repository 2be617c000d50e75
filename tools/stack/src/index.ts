export { startStack } from "./stack.ts";
export type { Stack, StackOptions, StackUrls } from "./stack-types.ts";
export type { ServiceProcess } from "./child-service.ts";
export type { Ports } from "./service-launch.ts";
export type { ServiceName } from "./service-name.ts";
export type { TwilioAccount } from "./account.ts";
export { startTestServers } from "./test-servers.ts";
export type { TestServers } from "./test-servers.ts";
export { createDatabase, migrate } from "./database.ts";
