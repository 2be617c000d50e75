import { describe, expect, test } from "@jest/globals";
import { anchorsOf, codeWordsOf, linksOf } from "./markdown.mjs";

const page = `# The \`hub\`: a [guide](guide.md)

See [the list](list.md#one-item "title"), ![picture](a.png) and [below](#steps-1). Not a link: \`[x](y.md)\`.
[later]: other.md

## Steps
## Steps

\`\`\`sh
# no heading
cat packages/domain/README.md
\`\`\`

Read \`services/x/{a,b}.ts\` and \`npm run check\`.
`;

describe("a page of Markdown", () => {
  test("has an anchor for each heading, a number for each repetition, and none for comments in code", () => {
    expect([...anchorsOf(page)]).toEqual(["the-hub-a-guide", "steps", "steps-1"]);
  });

  test("has links, each with its line, and none in code", () => {
    expect(linksOf(page)).toEqual([
      { line: 1, target: "guide.md" },
      { line: 3, target: "list.md#one-item" },
      { line: 3, target: "a.png" },
      { line: 3, target: "#steps-1" },
      { line: 4, target: "other.md" },
    ]);
  });

  test("has words in code, in sentences and in blocks", () => {
    const words = codeWordsOf(page);
    expect(words.filter(({ fence }) => fence).map(({ word }) => word)).toEqual([
      "#",
      "no",
      "heading",
      "cat",
      "packages/domain/README.md",
    ]);
    expect(words).toContainEqual({ line: 14, word: "services/x/{a,b}.ts", fence: false });
  });
});
