import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SENDER, startSim } from "../testing/running-sim.ts";
import type { Reply, RunningSim } from "../testing/running-sim.ts";

const OTHER_SENDER = "whatsapp:+18005550198";
const COUNT = 25;

interface Page {
  readonly messages: readonly {
    readonly sid: string;
    readonly to: string;
    readonly from: string;
    readonly date_sent: string | null;
  }[];
  readonly next_page_uri: string | null;
  readonly [field: string]: unknown;
}

let sim: RunningSim;
const sids: string[] = [];

/** 25 messages to five recipients in turn, every fifth from the other sender; all sent but the newest ten. */
beforeAll(async () => {
  sim = await startSim({ senders: ["+18005550199", "+18005550198"] });
  for (let n = 0; n < COUNT; n += 1) {
    if (n === COUNT - 10) sim.clock.advance(86_400_000);
    const form = {
      To: `whatsapp:+1212555010${n % 5}`,
      From: n % 5 === 4 ? OTHER_SENDER : SENDER,
      Body: `message ${n}`,
    };
    sids.unshift(String((await sim.create(form)).body["sid"]));
  }
});
afterAll(() => sim.stop());

const asPage = ({ body }: Reply): Page => body as unknown as Page;
const list = async (query: string): Promise<Page> => asPage(await sim.get(`${sim.messagesPath}?${query}`));
const sidsOf = (page: Page): string[] => page.messages.map(({ sid }) => sid);

describe("the list of messages", () => {
  test("is a page of fifty, newest first, with its links", async () => {
    const page = await list("");
    expect(sidsOf(page)).toEqual(sids);
    expect(page).toMatchObject({
      page: 0,
      page_size: 50,
      start: 0,
      end: 24,
      first_page_uri: `${sim.messagesPath}?PageSize=50&Page=0`,
      uri: `${sim.messagesPath}?PageSize=50&Page=0`,
      next_page_uri: null,
      previous_page_uri: null,
    });
  });

  test("is complete along its next_page_uri, also while new messages come in", async () => {
    const running = await startSim();
    try {
      const expected: string[] = [];
      const create = async (): Promise<string> =>
        String((await running.create({ To: "whatsapp:+12125550101", From: SENDER, Body: "x" })).body["sid"]);
      for (let n = 0; n < 9; n += 1) expected.unshift(await create());
      const seen: string[] = [];
      let next: string | null = `${running.messagesPath}?PageSize=4&To=whatsapp%3A%2B12125550101`;
      for (let page = 0; next !== null; page += 1) {
        const reply: Page = asPage(await running.get(next));
        expect(reply["page"]).toBe(page);
        seen.push(...sidsOf(reply));
        next = reply.next_page_uri;
        await create();
      }
      expect(seen).toEqual(expected);
    } finally {
      await running.stop();
    }
  });

  test("links to the next page by the last sid and keeps the filters", async () => {
    const page = await list("PageSize=3&From=whatsapp%3A%2B18005550198");
    const query = new URLSearchParams(page.next_page_uri!.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      From: OTHER_SENDER,
      PageSize: "3",
      Page: "1",
      PageToken: `PA${sidsOf(page)[2]}`,
    });
    const second = asPage(await sim.get(page.next_page_uri!));
    expect(second).toMatchObject({ page: 1, start: 3, end: 4, next_page_uri: null });
    expect(asPage(await sim.get(String(second["previous_page_uri"])))).toEqual(page);
  });

  test("has no next page after a page that is just full", async () => {
    expect((await list(`PageSize=${COUNT}`)).next_page_uri).toBeNull();
    expect((await list(`PageSize=${COUNT - 1}`)).next_page_uri).not.toBeNull();
  });

  test("filters by To and From together", async () => {
    const page = await list("To=whatsapp%3A%2B12125550104&From=whatsapp%3A%2B18005550198");
    expect(sidsOf(page)).toEqual([0, 5, 10, 15, 20].map((n) => sids[n]));
    expect((await list("To=whatsapp%3A%2B12125550104&From=whatsapp%3A%2B18005550199")).messages).toEqual([]);
  });

  test.each([
    ["DateSent=2026-01-31", 15],
    ["DateSent=2026-02-01", 0],
    ["DateSent%3E=2026-01-31", 15],
    ["DateSent>=2026-01-31T11:59:00Z", 15],
    ["DateSent>=2026-02-01", 0],
    ["DateSent%3C=2026-02-01", 15],
    ["DateSent<=2026-01-31", 0],
    ["DateSent>=2026-01-31&DateSent<=2026-02-01&To=whatsapp%3A%2B12125550100", 3],
  ])("with %s has %i messages: those not sent yet never match", async (query, count) => {
    const page = await list(query);
    expect(page.messages).toHaveLength(count);
    for (const { date_sent } of page.messages) expect(date_sent).toBe("Sat, 31 Jan 2026 12:00:00 +0000");
  });

  test.each([
    "PageSize=0",
    "PageSize=1001",
    "PageSize=x",
    "Page=-1",
    "PageToken=PB1",
    "PageToken=PASM1",
    "DateSent=today",
  ])("with %s is refused", async (query) => {
    expect((await sim.get(`${sim.messagesPath}?${query}`)).status).toBe(400);
  });
});
