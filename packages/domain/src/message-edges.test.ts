import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { statusEdges, type StatusEdge } from "./message-edges.ts";
import { risesTo, statusName, statusTable, unfinishedStatuses } from "./message-status.ts";

const named = ({ from, to, by }: StatusEdge): string => `${statusName(from)} --> ${statusName(to)} : ${by}`;
const edges = statusEdges.map(named);

describe("the edges between statuses", () => {
  test("rise, except those back to accepted, and Twilio's word against the hub's own", () => {
    const falling = statusEdges.filter(({ from, to }) => !risesTo(from, to));
    const back = falling.filter(({ to }) => to === MessageStatus.ACCEPTED);
    expect(new Set(back.map(({ by }) => by))).toEqual(new Set(["defer", "pause", "outcome", "reconcile"]));
    const others = falling.filter(({ to }) => to !== MessageStatus.ACCEPTED);
    expect(new Set(others.map(({ by }) => by))).toEqual(new Set(["outcome", "callback"]));
    expect(new Set(others.map(({ from }) => from))).toEqual(
      new Set([MessageStatus.CANCELED, MessageStatus.FAILED, MessageStatus.EXPIRED]),
    );
  });

  test("never lead from what completes a batch back to what keeps it open, so that completed stays true", () => {
    const unfinished = new Set(unfinishedStatuses);
    expect(statusEdges.filter(({ from, to }) => !unfinished.has(from) && unfinished.has(to))).toEqual([]);
  });

  test("are each there once", () => {
    expect(new Set(edges).size).toBe(edges.length);
  });

  test("lead from accepted to every status, and nowhere on from read", () => {
    const reached = new Set<MessageStatus>([MessageStatus.ACCEPTED]);
    for (const from of reached) for (const edge of statusEdges) if (edge.from === from) reached.add(edge.to);
    expect(reached.size).toBe(statusTable.length);
    expect(statusEdges.filter(({ from }) => from === MessageStatus.READ)).toEqual([]);
  });
});

describe("the picture in docs/message-status.md", () => {
  const page = readFileSync(new URL("../../../docs/message-status.md", import.meta.url), "utf8");
  const [, picture = ""] = /```mermaid\nstateDiagram-v2\n([^]*?)```/.exec(page) ?? [];
  const drawn = [...picture.matchAll(/^ {2}(\w+) --> (\w+) : (\w+)/gm)].map(
    ([, from, to, by]) => `${from} --> ${to} : ${by}`,
  );

  test("shows every status", () => {
    const words = new Set(drawn.flatMap((edge) => edge.split(" ")));
    expect(statusTable.map(({ status }) => statusName(status)).filter((name) => !words.has(name))).toEqual([]);
  });

  test("shows no edge that does not exist", () => {
    expect(drawn.filter((edge) => !edges.includes(edge))).toEqual([]);
  });

  test("shows every step of the hub's own; of callbacks, Twilio's list and late answers the usual ones", () => {
    const { SENDING, UNKNOWN, SUBMITTED, EXPIRED } = MessageStatus;
    const isOwn = ({ from, to, by }: StatusEdge): boolean => {
      if (by === "callback") return false;
      if (by === "reconcile") return to <= SUBMITTED || to === EXPIRED;
      return !(by === "outcome" && to === SUBMITTED && from !== SENDING && from !== UNKNOWN);
    };
    const own = statusEdges.filter(isOwn).map(named);
    expect(own.filter((edge) => !drawn.includes(edge))).toEqual([]);
  });
});
