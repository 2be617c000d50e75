import { unescape } from "node:querystring";
import { parseRetryPolicy } from "./retry-policy.ts";
import type { RetryPolicy } from "./retry-policy.ts";

/** Where a callback goes. */
export interface CallbackTarget {
  /** What is signed: the URL as configured, without fragment and userinfo. */
  readonly signedUrl: string;
  readonly origin: string;
  /** Path and query in their original encoding. */
  readonly path: string;
  /** Basic credentials, when the URL carries userinfo. */
  readonly authorization: string | undefined;
  readonly policy: RetryPolicy;
  readonly loopback: boolean;
}

/** Takes a StatusCallback apart. Assumes a URL that a create was accepted with. */
export function parseTarget(statusCallback: string): CallbackTarget {
  const hash = statusCallback.indexOf("#");
  const url = new URL(statusCallback);
  const withoutFragment = hash === -1 ? statusCallback : statusCallback.slice(0, hash);
  const authority = withoutFragment.indexOf("//") + 2;
  const afterAuthority = withoutFragment.slice(authority).search(/[/?]/);
  const pathAt = afterAuthority === -1 ? withoutFragment.length : authority + afterAuthority;
  const userinfoEnd = withoutFragment.lastIndexOf("@", pathAt - 1);
  const path = withoutFragment.slice(pathAt);
  return {
    signedUrl:
      userinfoEnd < authority
        ? withoutFragment
        : withoutFragment.slice(0, authority) + withoutFragment.slice(userinfoEnd + 1),
    origin: url.origin,
    path: path.startsWith("/") ? path : `/${path}`,
    authorization: url.username === "" ? undefined : basic(url),
    policy: parseRetryPolicy(hash === -1 ? "" : statusCallback.slice(hash + 1)),
    loopback: isLoopback(url.hostname),
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function basic(url: URL): string {
  const credentials = `${unescape(url.username)}:${unescape(url.password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}
