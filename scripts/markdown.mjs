// What a page of Markdown refers to, and what can be referred to in it. Knows as much of Markdown as the pages here use.

/** The anchors that GitHub gives the page's headings. */
export function anchorsOf(page) {
  const anchors = new Set();
  for (const { text, fence } of linesOf(page)) {
    const [, heading] = (!fence && /^#{1,6} +(.*?)[ #]*$/.exec(text)) || [];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The targets of the page's links and pictures, each with its line. */
export function linksOf(page) {
  return linesOf(page)
    .filter(({ fence }) => !fence)
    .flatMap(({ text, line }) => {
      const prose = text.replace(/`[^`]*`/g, "");
      return [...prose.matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]: +(\S+)/g)].map(([, inline, reference]) => ({
        line,
        target: inline ?? reference,
      }));
    });
}

/** The words inside code, each with its line; `fence` tells blocks from code within a sentence. */
export function codeWordsOf(page) {
  return linesOf(page).flatMap(({ text, line, fence }) => {
    const codes = fence ? [text] : [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
    return codes
      .flatMap((code) => code.split(/[\s"'()=[\]]+/))
      .filter(Boolean)
      .map((word) => ({ line, word, fence }));
  });
}

function linesOf(page) {
  let fence = false;
  return page.split("\n").flatMap((text, at) => {
    if (/^ *(```|~~~)/.test(text)) {
      fence = !fence;
      return [];
    }
    return [{ text, line: at + 1, fence }];
  });
}

function slugOf(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");
}
