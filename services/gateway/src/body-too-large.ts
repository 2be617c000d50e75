import type { HubError } from "@wahub/domain";
import { tooLarge } from "@wahub/platform";
import { maxBodyBytes } from "./config.ts";

/** The refusal of a body over the limit. */
export function bodyTooLarge(): HubError {
  return tooLarge(maxBodyBytes);
}
