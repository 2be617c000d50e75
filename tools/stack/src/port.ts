import { randomInt } from "node:crypto";

/** Below the range from which systems take ports for outgoing connections. */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 30_000;
const MAX_TRIES = 20;

/** The server could not bind its port because somebody else has it. */
export class PortInUseError extends Error {
  override name = "PortInUseError";
}

/**
 * Runs `start` with a random port until one is free. `start` binds the port itself and throws PortInUseError if it
 * is taken; any other error ends the search. Asking first whether a port is free would leave a gap for others.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>, pick = randomPort): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(pick());
    } catch (error) {
      if (!(error instanceof PortInUseError) || tries >= MAX_TRIES) throw error;
    }
  }
}

function randomPort(): number {
  return randomInt(LOWEST_PORT, HIGHEST_PORT);
}
