let lastSecond = -1;
let lastText = "";

/** An instant (ms since 1970) as Twilio writes dates: `Thu, 24 Aug 2023 05:01:45 +0000`. */
export function rfc2822(instantMs: number): string {
  const second = Math.floor(instantMs / 1000);
  // A campaign creates thousands of resources in one second: formatting that second once is enough.
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toUTCString().replace("GMT", "+0000");
    lastSecond = second;
  }
  return lastText;
}
