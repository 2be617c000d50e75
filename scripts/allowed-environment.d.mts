export const TERMINAL_VARIABLES: readonly string[];
export const TEST_VARIABLES: readonly string[];
export const DOWNLOAD_VARIABLES: readonly string[];
export function allowedEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  options?: { also?: readonly string[]; set?: Readonly<Record<string, string>> },
): Record<string, string>;
