export * from "./catalog.ts";
export * from "./codec.ts";
export * from "./connection.ts";
export * from "./consumer.ts";
export * from "./epoch.ts";
export * from "./producer.ts";
export { createQueueBoard, type QueueBoard, type QueueBoardOptions } from "./queue-board.ts";
