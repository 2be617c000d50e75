// What travels through Redis, as generated from proto/whatsapphub/jobs/v1.
export * from "./gen/whatsapphub/jobs/v1/outcome_fact_pb.ts";
export * from "./gen/whatsapphub/jobs/v1/send_message_job_pb.ts";
