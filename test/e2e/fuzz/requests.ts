import type { MessageStatus } from "@wahub/proto";
import type { Order, Request } from "../doors/index.ts";
import { bytesOf } from "../doors/order-forms.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import type { Random } from "./random.ts";
import { anyObject, anyText } from "./values.ts";

/** Ids that exist, so that some requests find something. */
export interface Targets {
  readonly batchId: string;
  readonly messageId: string;
  readonly pageToken: string;
}

const badPhones = [
  "",
  "+",
  "12",
  "2125550123",
  "+99912345678",
  "+1 212",
  "whatsapp:",
  "+1\u0000",
  "\ud800",
  "x".repeat(99),
];

const someTimes = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"];

/** A BulkSend in which anything may be wrong, or nothing. */
export function anyOrder(random: Random): Order {
  const count = random.chance(0.02) ? 500 : random.below(6);
  return {
    ...(random.chance(0.95) ? { text: random.chance(0.8) ? "Hello" : anyText(random) } : {}),
    ...(random.chance(0.95)
      ? {
          recipients: Array.from({ length: count }, () => ({
            phone: anyPhone(random),
            ...(random.chance(0.3) ? { metadata: anyObject(random) } : {}),
          })),
        }
      : {}),
    ...(random.chance(0.3) ? { metadata: anyObject(random) } : {}),
    ...(random.chance(0.2) ? { allOrNothing: random.chance(0.5) } : {}),
    ...(random.chance(0.2) ? { idempotencyKey: anyText(random).slice(0, 300) } : {}),
    ...(random.chance(0.1) ? { expiresAt: random.pick(someTimes) } : {}),
  };
}

/** The same as bytes that may be damaged. */
export function anyBytes(random: Random): Request {
  const { text = "", ...order } = anyOrder(random);
  return { bytes: mutateBytes(random, bytesOf({ ...order, text: text.toWellFormed() })) };
}

/** The same as JSON of any shape, which may be damaged. */
export function anyJson(random: Random): Request {
  const { text, recipients, metadata, allOrNothing, expiresAt } = anyOrder(random);
  const damaged = random.chance(0.4);
  const spoil = (value: unknown): string => {
    const json = JSON.stringify(mutateJson(random, value)) ?? "";
    return damaged ? mutateText(random, json) : json;
  };
  return {
    json: spoil({ content: { text: { body: text } }, recipients, metadata, allOrNothing, expiresAt }),
    restJson: spoil({ message: text, recipients, metadata, all_or_nothing: allOrNothing }),
  };
}

/** A question about a batch or message, or something to do to a batch, mostly a wrong one. */
export function anyRead(random: Random, targets: Targets): Request {
  const id = (good: string): string => {
    const choice = random.below(4);
    return choice === 0 ? good : choice === 1 ? anyUuid(random) : anyText(random).toWellFormed();
  };
  const pageToken = (): string => {
    const choice = random.below(3);
    return choice === 0 ? "" : choice === 1 ? mutateText(random, targets.pageToken) : anyText(random);
  };
  const method = random.pick(["pauseBatch", "resumeBatch", "cancelBatch"] as const);
  switch (random.below(5)) {
    case 0:
      return { getBatch: id(targets.batchId) };
    case 1:
      return { getMessage: id(targets.messageId) };
    case 2:
      return { watchBatch: id(targets.batchId) };
    case 3:
      return { control: { method, batchId: id(targets.batchId), reason: anyText(random).toWellFormed() } };
    default:
      return {
        listMessages: {
          batchId: id(targets.batchId),
          pageToken: pageToken().toWellFormed(),
          pageSize: random.pick([0, 1, 1000, 1001, -1, 2 ** 31 - 1]),
          statuses: Array.from({ length: random.below(4) }, () => random.below(14) as MessageStatus),
        },
      };
  }
}

/** The header: mostly the key, sometimes not. */
export function anyAuthorization(random: Random, key: string): string | undefined {
  if (random.chance(0.93)) return `Bearer ${key}`;
  return random.pick([undefined, "", "Bearer", "Bearer x", `Basic ${key}`, `bearer  ${key}`, `Bearer ${key} x`]);
}

function anyUuid(random: Random): string {
  return random
    .bytes(16)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function anyPhone(random: Random): string {
  return random.chance(0.9) ? `+4479${String(11_000_000 + random.below(1_000_000))}` : random.pick(badPhones);
}
