import { createHmac } from "node:crypto";

/**
 * X-Twilio-Signature of a form POST: HMAC-SHA1 over the URL and then each parameter's name and value, in the byte order
 * of the names. `url` is as the receiver configured it, without fragment and userinfo.
 */
export function sign(authToken: string, url: string, form: Readonly<Record<string, string>>): string {
  let signed = url;
  // The default order of toSorted() is by UTF-16 unit; parameter names are ASCII, where that is the byte order.
  for (const name of Object.keys(form).toSorted()) signed += name + form[name]!;
  return createHmac("sha1", authToken).update(signed, "utf8").digest("base64");
}
