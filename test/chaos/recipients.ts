import { parseRecipient } from "@wahub/domain";

/** Numbers that the plans of Brazil, Mexico and Argentina allow and that lists may know under another form. */
const ALIASED = ["+551190000", "+525555550", "+549115555"] as const;
const DIGITS = { "+551190000": 4, "+525555550": 3, "+549115555": 4 } as const;
/** Every so many numbers one of those; the others are of the block that is kept free for fiction in North America. */
const ALIASED_EVERY = 8;
const FICTIONAL = 100;

/** `count` different valid numbers; the simulator's callbacks and messages never leave this machine. */
export function recipientPool(count: number): readonly string[] {
  const pool: string[] = [];
  const aliased = aliasedNumbers();
  const fictional = fictionalNumbers();
  while (pool.length < count) {
    const source = pool.length % ALIASED_EVERY === 0 ? aliased : fictional;
    const { value, done } = source.next();
    if (done === true) throw new Error(`there are no ${count} fictional numbers`);
    pool.push(value);
  }
  return pool;
}

function* aliasedNumbers(): Generator<string, undefined> {
  for (let n = 0; n < 10_000; n += 1) {
    for (const start of ALIASED) {
      if (n < 10 ** DIGITS[start]) yield start + String(n).padStart(DIGITS[start], "0");
    }
  }
}

function* fictionalNumbers(): Generator<string, undefined> {
  for (let area = 201; area < 990; area += 1) {
    if (!("number" in parseRecipient(`+1${area}5550100`))) continue;
    for (let n = 0; n < FICTIONAL; n += 1) yield `+1${area}55501${String(n).padStart(2, "0")}`;
  }
}
