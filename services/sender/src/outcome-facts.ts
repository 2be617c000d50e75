import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { MessageStatus } from "@wahub/proto";
import { OutcomeFactSchema } from "@wahub/proto/jobs";
import { decodeOutcomeFact, encodeOutcomeFact } from "@wahub/spool";
import type { AttemptOutcome } from "@wahub/store";

/** An outcome as it lies in the spool. */
export function toOutcomeFact(outcome: AttemptOutcome, at: Date): Uint8Array {
  const { tenantId, messageId, attempt, token, result } = outcome;
  const fact = { tenantId, messageId, attempt, token, at: timestampFromDate(at), result: resultOf(result) };
  return encodeOutcomeFact(create(OutcomeFactSchema, fact));
}

/** The outcome that lies in the spool. @throws {MalformedFactError} */
export function fromOutcomeFact(bytes: Uint8Array): AttemptOutcome {
  const { tenantId, messageId, attempt, token, result } = decodeOutcomeFact(bytes);
  const outcome = { tenantId, messageId, attempt, token };
  switch (result.case) {
    case "submitted":
      return { ...outcome, result: { status: MessageStatus.SUBMITTED, sid: result.value.twilioSid } };
    case "putBack": {
      const { nextAt, spendsTry, errorCode, errorMessage } = result.value;
      const at = timestampDate(nextAt!);
      return { ...outcome, result: { status: MessageStatus.ACCEPTED, nextAt: at, spendsTry, errorCode, errorMessage } };
    }
    case "failed": {
      const { errorCode, errorMessage } = result.value;
      return { ...outcome, result: { status: MessageStatus.FAILED, errorCode, errorMessage } };
    }
    case "unanswered":
      return { ...outcome, result: { status: MessageStatus.UNKNOWN, errorMessage: result.value.why } };
    case undefined:
      throw new Error("decodeOutcomeFact lets no fact without a result through");
  }
}

function resultOf(result: AttemptOutcome["result"]): NonNullable<MessageInitShape<typeof OutcomeFactSchema>["result"]> {
  switch (result.status) {
    case MessageStatus.SUBMITTED:
      return { case: "submitted", value: { twilioSid: result.sid } };
    case MessageStatus.ACCEPTED: {
      const { nextAt, spendsTry, errorCode, errorMessage } = result;
      return { case: "putBack", value: { nextAt: timestampFromDate(nextAt), spendsTry, errorCode, errorMessage } };
    }
    case MessageStatus.FAILED:
      return { case: "failed", value: { errorCode: result.errorCode, errorMessage: result.errorMessage } };
    case MessageStatus.UNKNOWN:
      return { case: "unanswered", value: { why: result.errorMessage } };
  }
}
