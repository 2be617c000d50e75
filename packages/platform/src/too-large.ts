import { HubError } from "@wahub/domain";

/** The words for a request over the limit, on every door. */
export function tooLarge(maxBytes: number): HubError {
  return new HubError("invalid", `the request is larger than ${maxBytes / (1024 * 1024)} MiB; send less at a time`);
}
