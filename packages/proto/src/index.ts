// The public API as generated from proto/whatsapphub/v1. Nothing else may import generated files.
export * from "./gen/whatsapphub/v1/admin_service_pb.ts";
export * from "./gen/whatsapphub/v1/batch_pb.ts";
export * from "./gen/whatsapphub/v1/dispatch_service_pb.ts";
export * from "./gen/whatsapphub/v1/error_pb.ts";
export * from "./gen/whatsapphub/v1/message_pb.ts";
export * from "./gen/whatsapphub/v1/status_service_pb.ts";
export { StatusSchema as RpcStatusSchema, type Status as RpcStatus } from "./gen/google/rpc/status_pb.ts";
