import { otherForm } from "../messages/number-alias.ts";
import type { Dice } from "../dice.ts";
import type { CreateFault } from "../knobs/create-faults.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Draft, Misfit } from "../messages/record.ts";

/** Decides what goes wrong with the message that will be number `index`, once it is accepted. */
export type Misfits = (
  index: number,
  draft: Draft,
  answer: CreateFault | undefined,
) => Misfit & { readonly faults: readonly string[]; readonly callbackFirst: boolean };

/** Whether lists show message `index` late. */
export function createListLag(dice: Dice, knobs: KnobBoard): (index: number) => boolean {
  const lag = dice.for("list lag");
  return (index) => knobs.current.listLagMs > 0 && lag(index) < knobs.current.listLagShare;
}

/** Functions of the seed and the message; each is independent of the others and of the answer. */
export function createMisfits(dice: Dice, knobs: KnobBoard): Misfits {
  const alias = dice.for("list alias");
  const callbackFirst = dice.for("callback first");
  const lags = createListLag(dice, knobs);
  return (index, draft, answer) => {
    const listedTo = alias(index) < knobs.current.listAliasShare ? otherForm(draft.to) : undefined;
    const first = callbackFirst(index) < knobs.current.callbackFirstShare;
    const faults = [
      ...(first ? ["callbackFirst"] : []),
      ...(answer === undefined ? [] : [answer]),
      ...(lags(index) ? ["listLag"] : []),
      ...(listedTo === undefined ? [] : ["listAlias"]),
    ];
    return { listedTo, faults, callbackFirst: first };
  };
}
