import { create, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { at, type BadCase, type ExpectedRefusal, invalid, rpcDoors } from "./bad-case.ts";
import { good, goodJson, goodRest, plus, withField } from "./orders.ts";

const dayMs = 86_400_000;
const inDays = (days: number): string => new Date(Date.now() + days * dayMs).toISOString();
const doors = [...rpcDoors, "gRPC stream"] as const;

/** The good order, to be sent until a moment that no text can say. */
const untilBytes = (seconds: bigint, nanos: number): Uint8Array =>
  withField(6, toBinary(TimestampSchema, create(TimestampSchema, { seconds, nanos })));
const noTime = invalid(at("expires_at", "is not a time between the years 1 and 9999"));

const badTexts: readonly (readonly [string, string])[] = [
  ["a word", '"tomorrow"'],
  ["a day", '"2030-01-31"'],
  ["a number", "1893456000"],
];
/** The seed's call has no such field. */
const unknownThere: Partial<ExpectedRefusal> = { violations: [at("expires_at", "there is no such field")] };

export const times: readonly BadCase[] = [
  {
    name: "a time that is over",
    only: doors,
    request: { order: { ...good, expiresAt: inDays(-1) } },
    answer: invalid(at("expires_at", "must be in the future")),
  },
  {
    name: "a time in 36 days",
    only: doors,
    request: { order: { ...good, expiresAt: inDays(36) } },
    answer: invalid(at("expires_at", "must be at most 35 days ahead")),
  },
  {
    name: "a time in 34 days",
    only: doors,
    request: { order: { ...good, expiresAt: inDays(34) } },
    answer: { accepted: 1, rejected: [] },
  },
  ...badTexts.map(([what, json]): BadCase => ({
    name: `${what} for a time`,
    request: { json: plus(goodJson, `"expiresAt":${json}`), restJson: plus(goodRest, `"expires_at":${json}`) },
    answer: invalid(at("expires_at", "must be a time like 2030-01-31T08:00:00Z")),
    apart: { REST: unknownThere },
  })),
  { name: "a time after the year 9999", request: { bytes: untilBytes(10n ** 15n, 0) }, answer: noTime },
  { name: "a time with too many nanoseconds", request: { bytes: untilBytes(1_893_456_000n, 10 ** 9) }, answer: noTime },
];
