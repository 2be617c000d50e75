import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { isUuid } from "@wahub/domain";
import { SendMessageJobSchema } from "@wahub/proto/jobs";

/** One kind of job. */
export interface JobDefinition<Desc extends DescMessage> {
  readonly queue: string;
  readonly name: string;
  /** Ids and facts, never content. Fields are only ever added: jobs of the last release are still waiting. */
  readonly schema: Desc;
  /** A job whose id is waiting or running already is not added again. BullMQ allows neither ":" nor a plain number. */
  id(job: MessageShape<Desc>): string;
  /** What makes a decoded job useless, if anything. */
  fault(job: MessageShape<Desc>): string | undefined;
}

/**
 * Every job there is. A new one needs a message in proto/whatsapphub/jobs, an entry here, a handler in the service that
 * runs it, and a file in golden/ that later versions must still decode.
 */
export const sendMessageJob: JobDefinition<typeof SendMessageJobSchema> = {
  queue: "whatsapp-bulk",
  name: "send-message",
  schema: SendMessageJobSchema,
  id: (job) => `${job.messageId}-${job.attempt}`,
  fault(job) {
    if (!isUuid(job.messageId)) return "message_id is not a UUID";
    if (job.attempt < 1) return "attempt is less than 1";
    if (job.messagesPerSecond < 1) return "messages_per_second is less than 1";
    return undefined;
  },
};

/** Every queue, for those who look at them all. */
export const queueNames: readonly string[] = [sendMessageJob.queue];
