import { expect, test } from "@jest/globals";
import { createLogger } from "./logger.ts";

test("a log line is one JSON object, and lines below the level are not written", () => {
  const lines: string[] = [];
  const log = createLogger(
    "warn",
    (line) => lines.push(line),
    () => new Date(0),
  );
  log.info("quiet");
  log.warn("loud", { port: 1 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/\n$/);
  expect(JSON.parse(lines[0]!)).toEqual({
    level: "warn",
    time: "1970-01-01T00:00:00.000Z",
    service: "twilio-sim",
    event: "loud",
    port: 1,
  });
});
