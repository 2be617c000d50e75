import { HubError } from "@wahub/domain";
import { maxBodyBytes } from "./config.ts";

/** The words for a request over the limit, on every door. */
export function bodyTooLarge(): HubError {
  return new HubError("invalid", `the request is larger than ${maxBodyBytes / (1024 * 1024)} MiB; send less at a time`);
}
