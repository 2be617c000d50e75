import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { BulkSendRequestSchema, ContentSchema } from "@wahub/proto";
import { maxListedRejections, readBulkSend } from "./read-bulk-send.ts";

type Init = MessageInitShape<typeof BulkSendRequestSchema>;
const never = new AbortController().signal;
const good = "+12125550100";
const text = (body: string) => create(ContentSchema, { kind: { case: "text" as const, value: { body } } });
const read = (init: Init, signal = never) =>
  readBulkSend(create(BulkSendRequestSchema, { content: text("Hello"), ...init }), signal);

describe("reading a BulkSend", () => {
  test("merges spellings of one number and keeps the order of the request", async () => {
    const order = await read({
      recipients: [
        { phone: good, metadata: { first: true } },
        { phone: "+12125550101" },
        { phone: "whatsapp:+1 (212) 555-0100", metadata: { first: false } },
        { phone: "nonsense" },
      ],
    });
    expect(order.recipients.map((r) => r.number.e164)).toEqual([good, "+12125550101"]);
    expect(order.recipients[0]!.metadata).toBe('{"first":true}');
    expect(order.positions).toEqual([0, 1, 0, undefined]);
    expect(order.rejected).toEqual([
      { index: 3, field: "phone", reason: expect.stringContaining("must start with +") },
    ]);
    expect(order.rejectedCount).toBe(1);
  });

  test("sets a recipient with bad metadata aside", async () => {
    const order = await read({
      recipients: [{ phone: good }, { phone: "+12125550101", metadata: { note: "x".repeat(5000) } }],
    });
    expect(order.rejected).toEqual([{ index: 1, field: "metadata", reason: expect.stringContaining("4096") }]);
  });

  test("lists a thousand rejected ones and counts the rest", async () => {
    const order = await read({
      recipients: [{ phone: good }, ...Array.from({ length: 1500 }, () => ({ phone: "x" }))],
    });
    expect(order.rejected).toHaveLength(maxListedRejections);
    expect(order.rejectedCount).toBe(1500);
    expect(order.positions).toHaveLength(1501);
  });

  test.each<[string, Init, unknown]>([
    ["no recipient is valid", { recipients: [{ phone: "x" }] }, { field: "recipients[0].phone", index: 0 }],
    [
      "one is bad and the caller wants all or nothing",
      { recipients: [{ phone: good }, { phone: "x" }], allOrNothing: true },
      { field: "recipients[1].phone", index: 1 },
    ],
    ["the text is empty", { recipients: [{ phone: good }], content: text(" ") }, { field: "content.text.body" }],
    [
      "the text is too long",
      { recipients: [{ phone: good }], content: text("x".repeat(1601)) },
      { field: "content.text.body" },
    ],
    [
      "there is no content",
      { recipients: [{ phone: good }], content: { kind: { case: undefined } } },
      { field: "content" },
    ],
    [
      "the metadata is too large",
      { recipients: [{ phone: good }], metadata: { x: "y".repeat(5000) } },
      { field: "metadata" },
    ],
    [
      "the key cannot be stored",
      { recipients: [{ phone: good }], idempotencyKey: "a\0b" },
      { field: "idempotency_key" },
    ],
  ])("refuses the call when %s, and says where", async (_case, init, violation) => {
    await expect(read(init)).rejects.toMatchObject({ kind: "invalid", violations: [violation] });
  });

  test("stops reading when the caller has gone", async () => {
    const recipients = Array.from({ length: 1000 }, () => ({ phone: good }));
    await expect(read({ recipients }, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});

describe("the content hash", () => {
  const hash = async (init: Init) => (await read(init)).contentHash.toString("hex");
  const base: Init = { recipients: [{ phone: good, metadata: { a: 1, b: 2 } }, { phone: "+12125550101" }] };

  test("is the same for another spelling of the same request", async () => {
    const respelled: Init = {
      recipients: [{ phone: "+1 212 555 0100", metadata: { b: 2, a: 1 } }, { phone: "+12125550101" }],
    };
    expect(await hash(respelled)).toBe(await hash(base));
    expect(await hash({ ...base, idempotencyKey: "k" })).toBe(await hash(base));
  });

  test.each<[string, Init]>([
    ["the text", { ...base, content: text("Bye") }],
    ["a recipient", { recipients: base.recipients!.slice(1) }],
    ["the order", { recipients: base.recipients!.toReversed() }],
    ["metadata of a recipient", { recipients: [{ phone: good, metadata: { a: 2, b: 2 } }, { phone: "+12125550101" }] }],
    ["metadata for all", { ...base, metadata: { c: 3 } }],
    ["all or nothing", { ...base, allOrNothing: true }],
  ])("changes with %s", async (_what, init) => {
    expect(await hash(init)).not.toBe(await hash(base));
  });
});
