export function anchorsOf(page: string): Set<string>;
export function linksOf(page: string): { line: number; target: string }[];
export function codeWordsOf(page: string): { line: number; word: string; fence: boolean }[];
