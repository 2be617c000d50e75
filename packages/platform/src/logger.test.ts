import { describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { createLogger } from "./logger.ts";
import { capturedLog } from "./testing.ts";

const phone = "+14155550123";

describe("createLogger", () => {
  test("writes one JSON object per line with level, time and service", () => {
    const { log, lines } = capturedLog();
    log.info({ event: "batch_accepted", total: 3 }, "accepted a batch");
    expect(lines).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        service: "test",
        event: "batch_accepted",
        total: 3,
        msg: "accepted a batch",
      },
    ]);
  });

  test("leaves out what is below its level", () => {
    const lines: string[] = [];
    const log = createLogger({ service: "test", level: "warn", write: (line) => lines.push(line) });
    log.info({ event: "quiet" });
    log.child({ a: 1 }).debug({ event: "quiet" });
    log.warn({ event: "loud" });
    expect(lines).toHaveLength(1);
  });

  test("adds the fields of a child to its lines, redacted as well", () => {
    const { log, lines } = capturedLog();
    log.child({ requestId: "r1", token: "hunter2" }).info({ event: "x" });
    expect(lines[0]).toMatchObject({ requestId: "r1", token: "[redacted]", event: "x" });
  });
});

describe("the net below the log", () => {
  test("replaces what has a secret or personal name, at any depth", () => {
    const { log, lines } = capturedLog();
    log.info({
      event: "x",
      Authorization: "Bearer hunter2",
      auth_token: "hunter2",
      request: { headers: { "x-twilio-signature": "hunter2" }, form: [{ Body: "hello", To: phone, ok: 1 }] },
      recipient: phone,
    });
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|hello|4155550123/);
    expect(lines[0]).toMatchObject({ request: { form: [{ Body: "[redacted]", ok: 1 }] } });
  });

  test("shortens phone numbers inside texts", () => {
    const { log, lines } = capturedLog();
    log.info({ event: "x", note: `to whatsapp:${phone}`, url: "/x?To=whatsapp%3A%2B14155550123" }, `sent to ${phone}`);
    expect(JSON.stringify(lines)).not.toContain("4155550");
    expect(lines[0]).toMatchObject({ msg: "sent to +...23", note: "to whatsapp:+...23" });
  });

  test("cuts what is deep, long or circular", () => {
    const { log, lines } = capturedLog();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    log.info({ event: "x", circle, many: Array.from({ length: 1_000 }, (_, i) => i), bytes: Buffer.alloc(9), big: 1n });
    expect(lines[0]).toMatchObject({ bytes: "[9 bytes]", big: "1" });
    expect(JSON.stringify(lines).length).toBeLessThan(1_000);
  });
});

describe("errors in the log", () => {
  test("have type, kind, message, stack and cause", () => {
    const { log, lines } = capturedLog();
    const cause = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    log.error({ event: "x", err: new HubError("unavailable", "cannot reach the database", { cause }) });
    expect(lines[0]).toMatchObject({
      err: {
        type: "HubError",
        kind: "unavailable",
        message: "cannot reach the database",
        stack: expect.stringContaining("logger.test.ts"),
        cause: { message: "connect ECONNREFUSED", code: "ECONNREFUSED" },
      },
    });
  });

  test("carry nothing that a foreign library hung on them", () => {
    const { log, lines } = capturedLog();
    class AxiosError extends Error {
      config = { auth: { username: "AC1", password: "hunter2" }, data: "Body=hello" };
      request = { headers: "Basic hunter2" };
      response = { data: "hello" };
      code = "ERR_BAD_REQUEST";
    }
    class DatabaseError extends Error {
      code = "23505";
      constraint = "message_pkey";
      detail = `Key (recipient)=(${phone}) already exists.`;
      parameters = ["hello"];
      where = "hello";
    }
    log.error({ event: "x", err: new AxiosError("Request failed") });
    log.error({ event: "x", failure: new DatabaseError(`duplicate key: ${phone}`) });
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|hello|4155550123/);
    expect(lines[0]).toMatchObject({ err: { type: "AxiosError", code: "ERR_BAD_REQUEST" } });
    expect(lines[1]).toMatchObject({ failure: { code: "23505", constraint: "message_pkey" } });
  });

  test("may be anything that was thrown", () => {
    const { log, lines } = capturedLog();
    log.error({ event: "x", err: "hello" });
    log.error({ event: "x", err: new AggregateError([new Error("the first")], "all failed") });
    expect(lines[0]).toMatchObject({ err: "hello" });
    expect(lines[1]).toMatchObject({ err: { message: "all failed", cause: { message: "the first" } } });
  });
});
