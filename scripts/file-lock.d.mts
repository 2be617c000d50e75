export function withFileLock<T>(
  file: string,
  work: () => T | Promise<T>,
  options?: { onWait?: () => void; pollMs?: number },
): Promise<T>;
