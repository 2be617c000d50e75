import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { BulkSendRequestSchema, ContentSchema, UnknownPolicy } from "@wahub/proto";
import { readHeader } from "./read-header.ts";
import { createRecipientReader, maxListedRejections } from "./recipient-reader.ts";

type Init = MessageInitShape<typeof BulkSendRequestSchema>;
const never = new AbortController().signal;
const good = "+12125550100";
const text = (body: string) => create(ContentSchema, { kind: { case: "text", value: { body } } });
const requestOf = (init: Init) => create(BulkSendRequestSchema, { content: text("Hello"), ...init });

async function read(init: Init, signal = never) {
  const request = requestOf(init);
  const reader = createRecipientReader(readHeader(request));
  return { reader, recipients: await reader.read(request.recipients, signal) };
}

describe("reading recipients", () => {
  test("keeps their order and sets the bad ones aside", async () => {
    const { reader, recipients } = await read({
      recipients: [
        { phone: "whatsapp:+1 (212) 555-0100", metadata: { b: 1, a: 2 } },
        { phone: "nonsense" },
        { phone: "+12125550101", metadata: { note: "x".repeat(5000) } },
        { phone: good },
      ],
    });
    expect(recipients).toMatchObject([
      { number: { e164: good }, metadata: '{"a":2,"b":1}' },
      undefined,
      undefined,
      { number: { e164: good }, metadata: undefined },
    ]);
    expect(reader.rejected).toEqual([
      { index: 1, field: "phone", reason: expect.stringContaining("must start with +") },
      { index: 2, field: "metadata", reason: expect.stringContaining("4096") },
    ]);
    expect(reader.received).toBe(4);
  });

  test("lists a thousand rejected ones and counts the rest", async () => {
    const { reader } = await read({ recipients: Array.from({ length: 1500 }, () => ({ phone: "x" })) });
    expect(reader.rejected).toHaveLength(maxListedRejections);
    expect(reader.rejectedCount).toBe(1500);
  });

  test("refuses everything for one bad recipient where the caller wants all or nothing", async () => {
    await expect(read({ recipients: [{ phone: good }, { phone: "x" }], allOrNothing: true })).rejects.toMatchObject({
      kind: "invalid",
      violations: [{ field: "recipients[1].phone", index: 1 }],
    });
  });

  test("stops when the caller has gone", async () => {
    const recipients = Array.from({ length: 1000 }, () => ({ phone: good }));
    await expect(read({ recipients }, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});

describe("reading a header", () => {
  test.each<[string, Init, string]>([
    ["the text is empty", { content: text(" ") }, "content.text.body"],
    ["the text is too long", { content: text("x".repeat(1601)) }, "content.text.body"],
    ["there is no content", { content: create(ContentSchema) }, "content"],
    ["the metadata is too large", { metadata: { x: "y".repeat(5000) } }, "metadata"],
    ["the key cannot be stored", { idempotencyKey: "a\0b" }, "idempotency_key"],
  ])("refuses the call when %s, and says where", (_case, init, field) => {
    expect(() => readHeader(requestOf(init))).toThrow(
      expect.objectContaining({ kind: "invalid", violations: [expect.objectContaining({ field })] }),
    );
  });
});

describe("the content hash", () => {
  const hash = async (init: Init) => (await read(init)).reader.contentHash().toString("hex");
  const base: Init = { recipients: [{ phone: good, metadata: { a: 1, b: 2 } }, { phone: "+12125550101" }] };

  test("is the same for another spelling of the same request", async () => {
    const respelled: Init = {
      recipients: [{ phone: "+1 212 555 0100", metadata: { b: 2, a: 1 } }, { phone: "+12125550101" }],
    };
    expect(await hash(respelled)).toBe(await hash(base));
    expect(await hash({ ...base, idempotencyKey: "k" })).toBe(await hash(base));
  });

  // A key outlives the release that stored it.
  test("is what it has been since the first release", async () => {
    expect(await hash(base)).toBe("d01cb174a66077c9e494e846ea549643eda4699649370bf0794b5f10767ec447");
  });

  test("of a time counts milliseconds, as the batch does", async () => {
    const until = (nanos: number) => hash({ ...base, expiresAt: { seconds: 1_900_000_000n, nanos } as const });
    expect(await until(1)).toBe(await until(999_999));
    expect(await until(1)).not.toBe(await until(1_000_001));
  });

  test("does not depend on how the recipients are cut into chunks", async () => {
    const request = requestOf(base);
    const reader = createRecipientReader(readHeader(request));
    for (const recipient of request.recipients) {
      await reader.read([recipient], never);
      reader.contentHash();
    }
    expect(reader.contentHash().toString("hex")).toBe(await hash(base));
  });

  test.each<[string, Init]>([
    ["the text", { ...base, content: text("Bye") }],
    ["a recipient", { recipients: base.recipients!.slice(1) }],
    ["the order", { recipients: base.recipients!.toReversed() }],
    ["metadata of a recipient", { recipients: [{ phone: good, metadata: { a: 2, b: 2 } }, { phone: "+12125550101" }] }],
    ["metadata for all", { ...base, metadata: { c: 3 } }],
    ["all or nothing", { ...base, allOrNothing: true }],
    ["when it is over", { ...base, expiresAt: timestampFromMs(1_900_000_000_000) }],
    ["what is to become of unknown outcomes", { ...base, unknownPolicy: UnknownPolicy.HOLD }],
  ])("changes with %s", async (_what, init) => {
    expect(await hash(init)).not.toBe(await hash(base));
  });
});
