// Reads docs/calling.md as what it is to a reader: sections with commands and the answers they give. Comments, which a
// reader does not see, say the rest:
//
//   <!-- needs go: where to get it -->   the section is left out where there is no such command (of a,b: neither)
//   <!-- install -->                     the next block fetches something; where it cannot, the section is left out
//   <!-- refused -->                     the next block fails, as it should
//   <!-- by hand -->                     the next block is not run
//   <!-- file: path -->                  the next block is that file

/** A block of commands, and the answer shown below it, if there is one. */
export interface Step {
  readonly kind: "run" | "install" | "refused";
  readonly commands: string;
  readonly answer?: { readonly kind: "json" | "text"; readonly text: string };
  /** Of the commands' first line, from 1. */
  readonly line: number;
}

export interface Section {
  readonly title: string;
  /** One command of each is needed. */
  readonly needs: readonly { readonly commands: readonly string[]; readonly hint: string }[];
  readonly steps: readonly Step[];
}

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  /** The comment right before it. */
  readonly comment: string;
  /** Whether nothing but blank lines is between it and the block before. */
  readonly followsBlock: boolean;
}

const fence = /^```(\w*)$/;
const comment = /^<!-- (.+) -->$/;

/** The page's sections that have commands to run. */
export function readSections(page: string): Section[] {
  const parts = page.split(/^(?=## )/m);
  let line = 1;
  const sections = parts.map((part) => {
    const section = readSection(part, line);
    line += part.split("\n").length - 1;
    return section;
  });
  return sections.filter(({ steps }) => steps.length > 0);
}

/** The page with each shown file as it is now. `read` gets a path relative to the project. */
export function withFiles(page: string, read: (path: string) => string): string {
  const shown = /(<!-- file: (\S+) -->\n```\w+\n)(?:[^]*?\n)??```\n/g;
  return page.replaceAll(shown, (_all, head: string, path: string) => `${head}${read(path).trimEnd()}\n\`\`\`\n`);
}

function readSection(part: string, firstLine: number): Section {
  const needs = [...part.matchAll(/^<!-- needs (\S+): (.+) -->$/gm)];
  return {
    title: /^## (.+)$/m.exec(part)?.[1] ?? "",
    needs: needs.map(([, names = "", hint = ""]) => ({ commands: names.split(","), hint })),
    steps: stepsOf(blocksOf(part, firstLine)),
  };
}

function stepsOf(blocks: readonly Block[]): Step[] {
  return blocks.flatMap((block, at) => {
    if (block.language !== "sh" || block.comment === "by hand") return [];
    const next = blocks[at + 1];
    const kind =
      next?.followsBlock && (next.language === "json" || next.language === "text") ? next.language : undefined;
    return {
      kind: block.comment === "install" || block.comment === "refused" ? block.comment : "run",
      commands: block.text,
      line: block.line,
      ...(kind === undefined ? {} : { answer: { kind, text: next!.text } }),
    };
  });
}

function blocksOf(part: string, firstLine: number): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; line: number; text: string[] } | undefined;
  let before = "";
  let followsBlock = false;
  for (const [at, line] of part.split("\n").entries()) {
    const mark = fence.exec(line);
    if (open !== undefined) {
      if (mark === null) open.text.push(line);
      else {
        blocks.push({ ...open, text: open.text.join("\n"), comment: before, followsBlock });
        open = undefined;
        before = "";
        followsBlock = true;
      }
    } else if (mark !== null) {
      open = { language: mark[1] ?? "", line: firstLine + at + 1, text: [] };
    } else if (line !== "") {
      before = comment.exec(line)?.[1] ?? "";
      followsBlock = false;
    }
  }
  return blocks;
}
