export const programs: ReadonlyMap<string, string>;
export const modulesToCompile: readonly string[];
