// Compares what a command printed with the answer the page shows. In the shown answer `<batch id>` stands for something
// that differs from run to run, and a line `...` for any lines, or JSON documents, before what follows. In JSON an element
// "..." at the end of a list stands for any more, and a key "..." for any other keys.

/** Where the answer is not the shown one; undefined when it is. */
export type Difference = string | undefined;

const more = "...";
const placeholder = /<([a-z][a-z ]*)>/g;

/**
 * What stood where the page has placeholders. One of the same name is the same everywhere in a section; `<any id>` is
 * another each time.
 */
export type Found = Map<string, string>;

/** The names under which commands get what was found: `batch id` is `BATCH_ID`. */
export function variablesOf(found: Found): Record<string, string> {
  return Object.fromEntries([...found].map(([name, value]) => [name.toUpperCase().replaceAll(" ", "_"), value]));
}

/** Compares line by line. */
export function compareText(shown: string, printed: string, found: Found): Difference {
  const lines = (text: string): string[] =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd());
  return compareLists(lines(shown), lines(printed), (a, b) => compareLine(a, b, found));
}

/** Compares as JSON: one document after the other, whatever the spaces and the order of keys. */
export function compareJson(shown: string, printed: string, found: Found): Difference {
  let documents: unknown[];
  try {
    documents = documentsOf(printed);
  } catch {
    return `no JSON: ${printed.slice(0, 2_000)}`;
  }
  const [start, rest] = shown.startsWith("...\n") ? [[more], shown.slice(4)] : [[], shown];
  return compareLists([...start, ...documentsOf(rest)], documents, (a, b) => compareValues(a, b, "", found));
}

function compareLists<T>(shown: readonly T[], printed: readonly T[], compare: (a: T, b: T) => Difference): Difference {
  let at = 0;
  for (const [index, one] of shown.entries()) {
    if (one === more) {
      at = Math.max(at, printed.length - (shown.length - index - 1));
      continue;
    }
    if (at >= printed.length) return `missing: ${show(one)}`;
    const difference = compare(one, printed[at]!);
    if (difference !== undefined) return difference;
    at++;
  }
  return at < printed.length ? `not expected: ${show(printed[at])}` : undefined;
}

function compareValues(shown: unknown, printed: unknown, path: string, found: Found): Difference {
  if (typeof shown === "string") return prefixed(path, compareLine(shown, show(printed), found));
  if (typeof shown !== "object" || shown === null || typeof printed !== "object" || printed === null) {
    return shown === printed ? undefined : `${path}: ${show(shown)} is ${show(printed)}`;
  }
  if (Array.isArray(shown) && Array.isArray(printed) && shown.at(-1) === more) {
    return compareValues(shown.slice(0, -1), printed.slice(0, shown.length - 1), path, found);
  }
  const { [more]: open, ...a } = shown as Record<string, unknown>;
  const b = printed as Record<string, unknown>;
  for (const key of new Set([...Object.keys(a), ...(open === undefined ? Object.keys(b) : [])])) {
    const inner = `${path}.${key}`;
    if (!(key in a)) return `${inner} is not expected: ${show(b[key])}`;
    if (!(key in b)) return `${inner} is missing`;
    const difference = compareValues(a[key], b[key], inner, found);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function compareLine(shown: string, printed: string, found: Found): Difference {
  const names: string[] = [];
  const pattern = shown
    .split(placeholder)
    .map((piece, at) => {
      if (at % 2 === 0) return escaped(piece);
      const known = found.get(piece);
      if (known !== undefined) return escaped(known);
      names.push(piece);
      return "(.+?)";
    })
    .join("");
  const match = new RegExp(`^${pattern}$`).exec(printed);
  if (match === null) return `${show(shown)} is ${show(printed)}`;
  for (const [at, name] of names.entries()) if (!name.startsWith("any ")) found.set(name, match[at + 1]!);
  return undefined;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** The JSON documents in a text that holds nothing else. */
function documentsOf(text: string): unknown[] {
  const documents: unknown[] = [];
  let start = 0;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) {
      documents.push(JSON.parse(text.slice(start, at + 1)));
      start = at + 1;
    }
  }
  if (text.slice(start).trim() !== "" || documents.length === 0) throw new Error("not JSON");
  return documents;
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function prefixed(path: string, difference: Difference): Difference {
  return difference === undefined ? undefined : `${path}: ${difference}`;
}
