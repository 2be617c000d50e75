import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { MessageStatus, MessageStatusSchema } from "@wahub/proto";
import { risesTo, statusName, statusOfTwilioWord, statusTable } from "./message-status.ts";

describe("the status table", () => {
  test("lists every status of the proto once, in the order of its number", () => {
    const declared = MessageStatusSchema.values.map((v) => v.number).filter((number) => number !== 0);
    expect(statusTable.map((r) => r.status)).toEqual(declared.toSorted((a, b) => a - b));
  });

  test("gives each of Twilio's words for outbound messages exactly one meaning", () => {
    const words = statusTable.flatMap((r) => r.twilioWords);
    expect(new Set(words).size).toBe(words.length);
    expect(words.toSorted()).toEqual([
      "accepted",
      "canceled",
      "delivered",
      "failed",
      "queued",
      "read",
      "scheduled",
      "sending",
      "sent",
      "undelivered",
    ]);
  });

  test("does not know the words of inbound messages, nor words to come", () => {
    expect(statusOfTwilioWord("received")).toBeUndefined();
    expect(statusOfTwilioWord("teleported")).toBeUndefined();
  });

  test("lets delivered and read overtake a wrong failure, and nothing undo them", () => {
    expect(risesTo(MessageStatus.FAILED, MessageStatus.DELIVERED)).toBe(true);
    expect(risesTo(MessageStatus.READ, MessageStatus.FAILED)).toBe(false);
    expect(risesTo(MessageStatus.DELIVERED, MessageStatus.SENT)).toBe(false);
    expect(risesTo(MessageStatus.SENT, MessageStatus.SENT)).toBe(false);
  });

  test("is the table that docs/message-status.md shows", () => {
    const page = readFileSync(new URL("../../../docs/message-status.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \| ([^|]*) \|/gm)].map(([, number, name, words]) => ({
      number: Number(number),
      name,
      words: [...words!.matchAll(/`(\w+)`/g)].map(([, w]) => w),
    }));
    expect(rows).toEqual(
      statusTable.map((r) => ({ number: r.status, name: statusName(r.status), words: [...r.twilioWords] })),
    );
  });

  test("knows every status that docs/message-status.md gives for a word of other services", () => {
    const page = readFileSync(new URL("../../../docs/message-status.md", import.meta.url), "utf8");
    const [, section = ""] = page.split("## For those who know other words");
    const rows = [...section.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)];
    expect(rows.map(([, word]) => word)).toEqual(
      ["pending", "queued", "sending", "sent", "delivered", "read", "failed", "undelivered"], // the usual eight
    );
    const meant = rows.flatMap(([, , here]) => [...here!.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    const added = [...section.split("New are")[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(new Set([...meant, ...added])).toEqual(new Set(statusTable.map((r) => r.name)));
    expect(meant.length + added.length).toBe(statusTable.length);
  });
});
