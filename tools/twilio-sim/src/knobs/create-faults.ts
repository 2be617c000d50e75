/**
 * What can befall a create, by the name that the ledger, the list of faults and `failNext` use, and the knob that sets its
 * share. A new one needs its knob in knobs.ts, its line here, its answer in twilio-api/broken-answers.ts, and a line in
 * the README.
 */
export const CREATE_FAULTS = {
  "429": "rate429",
  "63038": "rate63038",
  "401": "rate401",
  "500": "rate500",
  "503": "rate503",
  html502: "rateHtml502",
  empty503: "rateEmpty503",
  reset: "rateReset",
  hang: "rateHang",
  acceptedReset: "rateAcceptedReset",
  acceptedHang: "rateAcceptedHang",
  accepted500: "rateAccepted500",
  acceptedHtml502: "rateAcceptedHtml502",
  acceptedEmpty503: "rateAcceptedEmpty503",
  acceptedTruncated: "rateAcceptedTruncated",
  acceptedNoJson: "rateAcceptedNoJson",
} as const;

export type CreateFault = keyof typeof CREATE_FAULTS;

export const CREATE_FAULT_NAMES = Object.keys(CREATE_FAULTS) as readonly CreateFault[];

/** Whether `name` is the name of a fault. */
export function isCreateFault(name: unknown): name is CreateFault {
  return typeof name === "string" && Object.hasOwn(CREATE_FAULTS, name);
}
