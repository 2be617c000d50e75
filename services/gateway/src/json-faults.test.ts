import { describe, expect, test } from "@jest/globals";
import { BulkSendRequestSchema, ListMessagesRequestSchema } from "@wahub/proto";
import { jsonFaults } from "./json-faults.ts";

describe("why JSON is no such message", () => {
  test.each<[string, unknown, readonly object[]]>([
    ["nothing is wrong", { recipients: [{ phone: "+1", metadata: { a: [1] } }], all_or_nothing: null }, []],
    ["no object", "text", [{ field: "body", reason: "must be an object" }]],
    [
      "wrong types at every depth",
      { content: { text: { body: 1 } }, recipients: [{ metadata: [] }, "+1", { phone: {} }], idempotencyKey: true },
      [
        { field: "content.text.body", reason: "must be a text" },
        { field: "recipients[0].metadata", index: 0, reason: "must be an object" },
        { field: "recipients[1]", index: 1, reason: "must be an object" },
        { field: "recipients[2].phone", index: 2, reason: "must be a text" },
        { field: "idempotency_key", reason: "must be a text" },
      ],
    ],
    ["a time as text", { expiresAt: "2030-01-31T08:00:00.5+01:00" }, []],
    ...["tomorrow", "2030-01-31", "2030-13-01T00:00:00Z", 1893456000, { seconds: 1 }].map(
      (expiresAt): [string, unknown, readonly object[]] => [
        `a time given as ${JSON.stringify(expiresAt)}`,
        { expiresAt },
        [{ field: "expires_at", reason: "must be a time like 2030-01-31T08:00:00Z" }],
      ],
    ),
    [
      "fields that do not exist, with names cut short",
      { recipients: [{ ["x".repeat(500)]: 1 }] },
      [{ field: `recipients[0].${"x".repeat(100)}...`, index: 0, reason: "there is no such field" }],
    ],
  ])("%s", (_what, json, faults) => expect(jsonFaults(BulkSendRequestSchema, json)).toEqual(faults));

  test("numbers and names of values are judged as the library does", () => {
    const fits = { statuses: ["MESSAGE_STATUS_READ", 3], pageSize: "20" };
    expect(jsonFaults(ListMessagesRequestSchema, fits)).toEqual([]);
    expect(jsonFaults(ListMessagesRequestSchema, { statuses: [1, "LOST", 1.5], page_size: 1e10 })).toEqual([
      { field: "statuses[1]", index: 1, reason: "the value does not fit" },
      { field: "statuses[2]", index: 2, reason: "the value does not fit" },
      { field: "page_size", reason: "the value does not fit" },
    ]);
  });

  test("of very many faults the first hundred are looked for", () => {
    expect(jsonFaults(BulkSendRequestSchema, { recipients: Array.from({ length: 5_000 }, () => 7) })).toHaveLength(100);
  });
});
