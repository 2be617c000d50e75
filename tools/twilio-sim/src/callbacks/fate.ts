import { MESSAGE_STATUSES } from "../messages/status.ts";
import type { Dice } from "../dice.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { MessageStatus } from "../messages/status.ts";

/** Which callbacks misbehave: functions of the seed, the message and the status. */
export interface CallbackFate {
  dropped(record: MessageRecord, status: MessageStatus, knobs: Knobs): boolean;
  duplicated(record: MessageRecord, status: MessageStatus, knobs: Knobs): boolean;
  /** Whether the callbacks of this message are held back and posted in another order. */
  shuffled(record: MessageRecord, knobs: Knobs): boolean;
  /** `statuses` in an order that is not the given one, as soon as there are two. */
  reorder(record: MessageRecord, statuses: readonly MessageStatus[]): readonly MessageStatus[];
}

/** Creates the fate from the dice. */
export function createCallbackFate(dice: Dice): CallbackFate {
  const drop = dice.for("drop");
  const silence = dice.for("silence");
  const duplicate = dice.for("duplicate");
  const shuffle = dice.for("shuffle");
  const order = dice.for("order");
  return {
    dropped: (record, status, knobs) =>
      silence(record.index) < knobs.silentShare || drop(number(record, status)) < knobs.dropShare,
    duplicated: (record, status, knobs) => duplicate(number(record, status)) < knobs.duplicateShare,
    shuffled: (record, knobs) => shuffle(record.index) < knobs.shuffleShare,
    reorder(record, statuses) {
      const rolled = statuses.toSorted((a, b) => order(number(record, a)) - order(number(record, b)));
      return rolled.every((status, i) => status === statuses[i]) ? rolled.toReversed() : rolled;
    },
  };
}

/** Numbers every (message, status) pair of a run. */
function number(record: MessageRecord, status: MessageStatus): number {
  return record.index * MESSAGE_STATUSES.length + MESSAGE_STATUSES.indexOf(status);
}
