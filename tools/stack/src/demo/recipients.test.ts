import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { PROJECT_ROOT } from "../project.ts";
import { readRecipients } from "./recipients.ts";

test("the example file has a thousand different fictional people", async () => {
  const recipients = await readRecipients(join(PROJECT_ROOT, "examples", "recipients.csv"));
  expect(recipients).toHaveLength(1_000);
  expect(new Set(recipients.map(({ phone }) => phone)).size).toBe(1_000);
  // 555-0100 to 555-0199 are set aside for fiction in every area code.
  expect(recipients.every(({ phone }) => /^\+1[2-9]\d{2}55501\d{2}$/.test(phone))).toBe(true);
  expect(recipients[0]).toEqual({
    phone: "+12125550100",
    metadata: { first_name: "Ada", last_name: "Abbott", city: "New York" },
  });
});
