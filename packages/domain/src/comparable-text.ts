/**
 * What is left of a text for telling two messages apart: its letters and digits. What a provider changes on the way (white
 * space, quotes, composed characters, case) must not make one text look like two.
 */
export function comparableText(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}

/**
 * True where two messages certainly say different things. A text without letters, or one that was redacted, says nothing; one
 * that contains the other may be the same with something around it (trial accounts put a sentence in front).
 *
 * @param a from `comparableText`
 * @param b from `comparableText`
 */
export function textsDiffer(a: string, b: string): boolean {
  return !a.includes(b) && !b.includes(a);
}
