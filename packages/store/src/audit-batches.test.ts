import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { auditFaults } from "./audit-batches.ts";

test("docs/operations.md has a line for every kind of fault that the audit finds", () => {
  const page = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("## Whether the sums are right");
  const kinds = [...section.split("\n## ")[0]!.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind);
  expect(kinds).toEqual(Object.keys(auditFaults));
});
