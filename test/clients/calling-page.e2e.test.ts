import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { compareJson, compareText, type Found, variablesOf } from "./compare.ts";
import { readSections, withFiles } from "./page.ts";

const read = (path: string): string => readFileSync(join(PROJECT_ROOT, path), "utf8");
const page = read("docs/calling.md");

describe("docs/calling.md", () => {
  test("shows the example programs as they are (else: npm run clients -- --write)", () => {
    expect(withFiles(page, read)).toBe(page);
  });

  test("has commands with an answer for every client", () => {
    const sections = readSections(page);
    expect(sections.map(({ title }) => title)).toEqual([
      "curl",
      "grpcurl",
      "buf curl",
      "Node with connect-node",
      "Node with grpc-js",
      "Python with grpcio",
      "Go with connect-go",
    ]);
    for (const { steps } of sections) expect(steps.some(({ answer }) => answer !== undefined)).toBe(true);
  });
});

describe("reading the page", () => {
  const sample = [
    "## Tool",
    "<!-- needs tool,other: get it -->",
    "<!-- install -->",
    "```sh",
    "fetch it",
    "```",
    "<!-- by hand -->",
    "```sh",
    "not this",
    "```",
    "<!-- refused -->",
    "```sh",
    "ask",
    "```",
    "```json",
    "{}",
    "```",
    "```sh",
    "say",
    "```",
    "Then:",
    "```text",
    "no answer, because of the line above",
    "```",
    "<!-- file: a.txt -->",
    "```text",
    "old",
    "```",
    "",
  ].join("\n");

  test("finds what to run, in which way, and the answer right below it", () => {
    expect(readSections(`# Title\n\n${sample}`)).toEqual([
      {
        title: "Tool",
        needs: [{ commands: ["tool", "other"], hint: "get it" }],
        steps: [
          { kind: "install", commands: "fetch it", line: 7 },
          { kind: "refused", commands: "ask", line: 15, answer: { kind: "json", text: "{}" } },
          { kind: "run", commands: "say", line: 21 },
        ],
      },
    ]);
  });

  test("puts files in their blocks and nowhere else, also into empty ones", () => {
    const filled = sample.replace("old", "new");
    expect(withFiles(sample, (path) => (path === "a.txt" ? "new\n" : ""))).toBe(filled);
    expect(withFiles(sample.replace("old\n", ""), () => "new\n")).toBe(filled);
  });
});

describe("comparing answers", () => {
  const text = (shown: string, printed: string, found: Found = new Map()) => compareText(shown, printed, found);
  const json = (shown: string, printed: string, found: Found = new Map()) => compareJson(shown, printed, found);

  test("text is the same line by line, but for what a placeholder or dots stand for", () => {
    expect(text("a\nb", "a\nb\n")).toBeUndefined();
    expect(text("a\n...\nd", "a\nb\nc\nd")).toBeUndefined();
    expect(text("a\n...\nd", "a\nd")).toBeUndefined();
    expect(text("batch <batch id>: 2", "batch 7: 2")).toBeUndefined();
    expect(text("batch <batch id>: 2", "batch 7: 3")).toBe("batch <batch id>: 2 is batch 7: 3");
    expect(text("a", "a\nb")).toBe("not expected: b");
    expect(text("a\nb", "a")).toBe("missing: b");
    expect(text("a\n...\nd", "a\nb")).toBe("d is b");
    expect(text("a.c (x)", "abc (x)")).toBeDefined();
  });

  test("a placeholder is the same everywhere, unless it is any, and becomes a variable", () => {
    const found: Found = new Map();
    expect(text("<batch id> <any id> <any id>", "1 2 3", found)).toBeUndefined();
    expect(variablesOf(found)).toEqual({ BATCH_ID: "1" });
    expect(text("<batch id>", "2", found)).toBe("<batch id> is 2");
  });

  test("JSON is the same whatever its spaces and order, document by document", () => {
    expect(json('{"a": 1, "b": [true]}', '{"b":[true],"a":1}')).toBeUndefined();
    expect(json('...\n{"a": 2}', '{"a":1}\n{"a":\n2}')).toBeUndefined();
    expect(json('{"a": "<any number>"}', '{"a":7}')).toBeUndefined();
    expect(json('{"a": 1, "...": "..."}', '{"a":1,"b":2}')).toBeUndefined();
    expect(json('{"a": [1, "..."]}', '{"a":[1,2,3]}')).toBeUndefined();
    expect(json('{"a": 1}', '{"a":1,"b":2}')).toBe(".b is not expected: 2");
    expect(json('{"a": 1, "b": 2}', '{"a":1}')).toBe(".b is missing");
    expect(json('{"a": [1]}', '{"a":[1,2]}')).toBe(".a.1 is not expected: 2");
    expect(json('{"a": [1, "..."]}', '{"a":[]}')).toBe(".a.0 is missing");
    expect(json('{"a": 1}', '{"a":"1"}')).toBe(".a: 1 is 1");
    expect(json('{"a": "}"}', '{"a":"}"} {"a":1}')).toBe('not expected: {"a":1}');
    expect(json("{}", "error")).toBe("no JSON: error");
    expect(json("{}", "")).toBe("no JSON: ");
  });
});
