import { describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { readPageToken, writePageToken } from "./page-token.ts";

const filter = { batchId: "019ca977-3a7b-7bab-abab-abababababab", statuses: [MessageStatus.READ, MessageStatus.SENT] };
const lastId = "019ca977-3a7b-8386-9131-f7df86ef9f07";
const token = writePageToken(lastId, filter);

describe("a page token", () => {
  test("leads back to where the page ended", () => {
    expect(readPageToken(token, filter)).toBe(lastId);
    expect(readPageToken("", filter)).toBeUndefined();
  });

  test("does not mind the order of the statuses", () => {
    const turned = { ...filter, statuses: [MessageStatus.SENT, MessageStatus.READ, MessageStatus.SENT] };
    expect(readPageToken(token, turned)).toBe(lastId);
  });

  test.each([
    ["of another batch", token, { ...filter, batchId: lastId }],
    ["of other statuses", token, { ...filter, statuses: [] }],
    ["with a changed character", `B${token.slice(1)}`, filter],
    ["cut short", token.slice(0, -1), filter],
    ["with something behind it", `${token}AA`, filter],
    ["that is no token", "next please!", filter],
  ])("%s is refused with words that say what to do", (_case, text, other) => {
    expect(() => readPageToken(text, other)).toThrow("begin again without one");
  });
});
