import { Account } from "./account.ts";
import { ApiKey } from "./api-key.ts";
import { BatchCountDelta } from "./batch-count-delta.ts";
import { BatchCount } from "./batch-count.ts";
import { Batch } from "./batch.ts";
import { DuplicateSid } from "./duplicate-sid.ts";
import { MessageAttempt } from "./message-attempt.ts";
import { MessageEvent } from "./message-event.ts";
import { Message } from "./message.ts";
import { OrphanCallback } from "./orphan-callback.ts";
import { Sender } from "./sender.ts";
import { Tenant } from "./tenant.ts";

export { lane } from "./message.ts";
export { sendingState } from "./account.ts";
export {
  Account,
  ApiKey,
  Batch,
  BatchCount,
  BatchCountDelta,
  DuplicateSid,
  Message,
  MessageAttempt,
  MessageEvent,
  OrphanCallback,
  Sender,
  Tenant,
};

/** Every table of the hub. A new table is spread over: its file here, this list, and a migration. */
export const entities = [
  Tenant,
  ApiKey,
  Account,
  Sender,
  Batch,
  Message,
  MessageEvent,
  MessageAttempt,
  BatchCount,
  BatchCountDelta,
  OrphanCallback,
  DuplicateSid,
];
