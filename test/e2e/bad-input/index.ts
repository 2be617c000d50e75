import type { BadCase } from "./bad-case.ts";
import { encodings } from "./encodings.ts";
import { control } from "./control.ts";
import { idempotencyKeys } from "./idempotency-keys.ts";
import { ids } from "./ids.ts";
import { keys } from "./keys.ts";
import { metadata } from "./metadata.ts";
import { numbers } from "./numbers.ts";
import { pages } from "./pages.ts";
import { policies } from "./policies.ts";
import { shapes } from "./shapes.ts";
import { sizes } from "./sizes.ts";
import { texts } from "./texts.ts";
import { times } from "./times.ts";

export { type BadCase, doorsFor, type ExpectedRefusal, type Known } from "./bad-case.ts";
export { fullOrder } from "./orders.ts";

/** Every sort of bad input, and what has to come of it. */
export const badCases: readonly BadCase[] = [
  ...numbers,
  ...texts,
  ...metadata,
  ...idempotencyKeys,
  ...shapes,
  ...encodings,
  ...sizes,
  ...keys,
  ...ids,
  ...pages,
  ...control,
  ...policies,
  ...times,
];
