/** Tells whether an Authorization header carries the account's credentials. */
export type Authenticate = (authorization: string | undefined) => boolean;

/** Accepts HTTP Basic with the account sid and any of its tokens, as while a token rotates. */
export function createAuthenticate(accountSid: string, authTokens: readonly string[]): Authenticate {
  const known = new Set(authTokens.map((token) => Buffer.from(`${accountSid}:${token}`).toString("base64")));
  return (authorization = "") => {
    const [scheme = "", credentials = ""] = authorization.split(" ", 2);
    return scheme.toLowerCase() === "basic" && known.has(credentials);
  };
}
