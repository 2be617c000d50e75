import { describe, expect, test } from "@jest/globals";
import { parseDraft } from "./parse-draft.ts";
import { TwilioFault } from "./twilio-fault.ts";

const SENDERS = new Set(["+18005550199"]);
const VALID = { To: "whatsapp:+12125550101", From: "whatsapp:+18005550199", Body: "hello" };
const HX = `HX${"a".repeat(32)}`;

function parse(changes: Readonly<Record<string, string | readonly string[]>>): ReturnType<typeof parseDraft> {
  const pairs = Object.entries({ ...VALID, ...changes });
  const form = new URLSearchParams(
    pairs.flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
  );
  return parseDraft(form, SENDERS);
}

function refusal(changes: Parameters<typeof parse>[0]): TwilioFault | undefined {
  try {
    parse(changes);
    return undefined;
  } catch (error) {
    if (error instanceof TwilioFault) return error;
    throw error;
  }
}

type Refused = [what: string, changes: Parameters<typeof parse>[0], status: number, code: number, message?: string];

const REFUSED: readonly Refused[] = [
  ["no To", { To: "" }, 400, 21604, "A 'To' phone number is required."],
  ["no From", { From: "" }, 400, 21603, "A 'From' phone number is required."],
  ["nothing to say", { Body: "" }, 400, 21619, "A text message body or media urls must be specified."],
  [
    "a long body",
    { Body: "x".repeat(1_601) },
    400,
    21617,
    "The concatenated message body exceeds the 1600 character limit",
  ],
  [
    "To of no channel",
    { To: "+12125550101" },
    400,
    21910,
    "Invalid From and To pair. From and To should be of the same channel",
  ],
  ["From of no channel", { From: "+18005550199" }, 400, 21910],
  [
    "an unknown sender",
    { From: "whatsapp:+12125550100" },
    400,
    63007,
    "Twilio could not find a Channel with the specified From address",
  ],
  ["a sender that is no number", { From: "whatsapp:hello" }, 400, 63007],
  ["an SMS", { To: "+12125550101", From: "+18005550199" }, 400, 21659],
  [
    "a malformed To",
    { To: "whatsapp:+1555" },
    400,
    21211,
    "The 'To' number whatsapp:+1555 is not a valid phone number.",
  ],
  ["a To without plus sign", { To: "whatsapp:12125550101" }, 400, 21211],
  ["From equal to To", { To: "whatsapp:+18005550199" }, 400, 63031],
  [
    "a relative StatusCallback",
    { StatusCallback: "/hook" },
    400,
    21609,
    "The 'StatusCallback' URL /hook is not a valid URL.",
  ],
  ["a StatusCallback by mail", { StatusCallback: "mailto:a@example.com" }, 400, 21609],
  ["an underscore in the host", { StatusCallback: "https://my_host.example/" }, 400, 21609],
  ["a blank in the URL", { StatusCallback: "https://example.com/a b" }, 400, 21609],
  ["ValidityPeriod 0", { ValidityPeriod: "0" }, 400, 21624],
  ["ValidityPeriod 36001", { ValidityPeriod: "36001" }, 400, 21624],
  ["ValidityPeriod soon", { ValidityPeriod: "soon" }, 400, 21624],
  ["a malformed ContentSid", { ContentSid: "HX12" }, 400, 21655],
  [
    "variables that are no JSON",
    { ContentSid: HX, ContentVariables: "{1:" },
    400,
    21656,
    "The Content Variables parameter is invalid.",
  ],
  ["variables in a list", { ContentSid: HX, ContentVariables: '["a"]' }, 400, 21656],
  ["an empty variable", { ContentSid: HX, ContentVariables: '{"1":""}' }, 400, 21656],
  ["a variable that is no string", { ContentSid: HX, ContentVariables: '{"1":1}' }, 400, 21656],
  ["a variable of two lines", { ContentSid: HX, ContentVariables: '{"1":"a\\nb"}' }, 400, 21656],
  ["eleven media", { MediaUrl: Array.from({ length: 11 }, () => "https://example.com/a.jpg") }, 400, 21623],
  ["a medium without address", { MediaUrl: "a.jpg" }, 400, 21620],
  ["a Messaging Service", { MessagingServiceSid: `MG${"a".repeat(32)}` }, 404, 21701],
  ["a schedule", { SendAt: "2026-01-31T12:00:00Z", ScheduleType: "fixed" }, 400, 35118],
];

describe("what Twilio refuses", () => {
  test.each(REFUSED.map(([what, changes, status, code, message = null]) => ({ what, changes, status, code, message })))(
    "$what: $code",
    ({ changes, status, code, message }) => {
      const fault = refusal(changes);
      expect([fault?.status, fault?.code]).toEqual([status, code]);
      if (message !== null) expect(fault?.message).toBe(message);
    },
  );
});

describe("what Twilio accepts", () => {
  test("is read as it stands", () => {
    const statusCallback = "http://127.0.0.1:8081/hook?m=1#rc=3";
    expect(
      parse({ StatusCallback: statusCallback, ValidityPeriod: "14400", ForceDelivery: "true", Unknown: "1" }),
    ).toEqual({
      to: VALID.To,
      from: VALID.From,
      body: "hello",
      numMedia: 0,
      fromTemplate: false,
      statusCallback,
    });
  });

  test.each([
    ["1600 characters", { Body: "x".repeat(1_600) }],
    ["1600 characters of two units each", { Body: "😀".repeat(1_600) }],
    ["media without a body", { Body: "", MediaUrl: ["https://example.com/a.jpg"] }],
    ["a template without a body", { Body: "", ContentSid: HX, ContentVariables: '{"1":"Ada"}' }],
    ["the longest validity", { ValidityPeriod: "36000" }],
  ])("%s", (_what, changes) => {
    expect(refusal(changes)).toBeUndefined();
  });
});
