import twilio from "twilio";
import { withoutTrailingSlash } from "./callback-url.ts";
import type { HttpClient } from "./http-client.ts";

const twilioApi = "https://api.twilio.com";

/** Where the API is, without a slash at the end; Twilio itself where nothing is configured. */
export function apiBase(configured: string | undefined): string {
  return withoutTrailingSlash(configured ?? twilioApi);
}

/** Twilio's official client of one account, on our HTTP client and for exactly this base URL. */
export function createSdkClient(options: {
  sid: string;
  authToken: string;
  /** From `apiBase`. */
  baseUrl: string;
  http: HttpClient;
  userAgent?: string;
}): twilio.Twilio {
  const client = twilio(options.sid, options.authToken, {
    httpClient: options.http,
    userAgentExtensions: options.userAgent === undefined ? [] : [options.userAgent],
  });
  client.api.baseUrl = options.baseUrl;
  // The environment may name an edge or region, which would rewrite the host of the base URL.
  delete client.edge;
  delete client.region;
  return client;
}
