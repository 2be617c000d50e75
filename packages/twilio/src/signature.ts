// The deep path costs 5 ms and 2 MB where the SDK's own door costs 120 ms and 22 MB. It is not part of the SDK's
// promises; the version is pinned and the tests hold Twilio's published vector against it.
import { validateRequest } from "twilio/lib/webhooks/webhooks.js";
import { withoutTrailingSlash } from "./callback-url.ts";
import type { CallbackForm } from "./callback-form.ts";

/** An account whose webhooks are accepted. */
export interface SigningAccount {
  readonly sid: string;
  /** Any of them may have signed: two are valid while a token rotates. */
  readonly authTokens: readonly string[];
}

/** A request as it came in. */
export interface SignedRequest {
  /** `AccountSid` of the form: it says whose token must have signed. */
  readonly accountSid: string | undefined;
  /** Value of `X-Twilio-Signature`. */
  readonly signature: string | undefined;
  /** Path and query exactly as received: decoding or reordering them breaks the signature. */
  readonly pathAndQuery: string;
  readonly form: CallbackForm;
}

export type SignatureVerdict = "ok" | "unknown_account" | "missing" | "mismatch";

export interface SignatureVerifier {
  /** Says whether Twilio signed this request for this account. Never throws; compares in constant time. */
  verify(request: SignedRequest): SignatureVerdict;
}

/**
 * Verifies `X-Twilio-Signature` over the configured public URL, never over what Host or X-Forwarded headers claim.
 *
 * @param options.publicWebhookUrl base that Twilio reaches us under; the signed URL is this base, then path and query
 *   as received
 */
export function createSignatureVerifier(options: {
  accounts: readonly SigningAccount[];
  publicWebhookUrl: string;
}): SignatureVerifier {
  const base = withoutTrailingSlash(options.publicWebhookUrl);
  const tokensOf = new Map(options.accounts.map((account) => [account.sid, account.authTokens]));
  return {
    verify({ accountSid, signature, pathAndQuery, form }) {
      const tokens = accountSid === undefined ? undefined : tokensOf.get(accountSid);
      if (tokens === undefined) return "unknown_account";
      if (signature === undefined || signature === "") return "missing";
      // Trying a wrong signature costs six digests; one that cannot be a SHA-1 in base64 costs none.
      if (!/^[A-Za-z0-9+/]{27}=$/.test(signature)) return "mismatch";
      const url = base + pathAndQuery;
      const params = present(form);
      return tokens.some((token) => matches(token, signature, url, params)) ? "ok" : "mismatch";
    },
  };
}

function matches(token: string, signature: string, url: string, params: Record<string, unknown>): boolean {
  try {
    return validateRequest(token, signature, url, params);
  } catch {
    return false; // a URL that does not parse
  }
}

function present(form: CallbackForm): Record<string, unknown> {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined));
}
