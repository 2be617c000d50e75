import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";

/** Only this origin, whatever the pages ask for; bull-board sets styles inline and would load fonts from elsewhere. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; form-action 'none'";

/**
 * Lets GET and HEAD through for those who know the key: as the password of HTTP Basic, whatever the user name, or as
 * `authorization: Bearer <key>`. Everything else is 401, existing path or not; any other method is 405.
 */
export function requireKey(key: string, next: RequestListener): RequestListener {
  const wanted = digest(Buffer.from(key));
  return (req, res) => {
    const given = credentialOf(req.headers.authorization ?? "");
    // Digests have one length, so the comparison takes as long for any key.
    if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
      res.setHeader("www-authenticate", 'Basic realm="queues", charset="UTF-8"');
      return refuse(res, 401, "the key of the queue board is needed");
    }
    if (req.method !== "GET" && req.method !== "HEAD") {
      res.setHeader("allow", "GET, HEAD");
      return refuse(res, 405, "this board only shows");
    }
    res.setHeader("content-security-policy", contentSecurityPolicy);
    res.setHeader("x-content-type-options", "nosniff");
    res.setHeader("referrer-policy", "no-referrer");
    next(req, res);
  };
}

function credentialOf(authorization: string): Buffer | undefined {
  const [, scheme = "", value = ""] = /^(Basic|Bearer) +(.*)$/i.exec(authorization) ?? [];
  // Node reads headers as Latin-1; these are the bytes that were sent.
  if (scheme.toLowerCase() === "bearer") return Buffer.from(value.trim(), "latin1");
  const userAndPassword = Buffer.from(value, "base64");
  const colon = userAndPassword.indexOf(":");
  return colon < 0 ? undefined : userAndPassword.subarray(colon + 1);
}

function digest(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function refuse(res: ServerResponse, status: number, text: string): void {
  // The rest of a body is not waited for.
  res.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(`${text}\n`);
}
