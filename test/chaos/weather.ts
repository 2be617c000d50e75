import { LIST_LAG_MS } from "./settings.ts";

/**
 * What Twilio is like during the storm, as knobs of the simulator: about every fourth create goes wrong, a few percent in
 * each way. What stops a whole account (401, 63038) comes in spells instead, or nothing would ever be sent.
 */
export const WEATHER: Readonly<Record<string, number>> = {
  latencyMs: 30,
  latencyJitterMs: 120,

  rate429: 0.01,
  rate500: 0.015,
  rate503: 0.015,
  rateHtml502: 0.015,
  rateEmpty503: 0.015,
  rateReset: 0.02,
  rateHang: 0.01,
  rate63038: 0.0005,
  rate401: 0.0005,

  rateAcceptedReset: 0.02,
  rateAcceptedHang: 0.01,
  rateAccepted500: 0.02,
  rateAcceptedHtml502: 0.015,
  rateAcceptedEmpty503: 0.015,
  rateAcceptedTruncated: 0.02,
  rateAcceptedNoJson: 0.02,
  retryAfterS: 1,
  retryAfterShare: 0.5,

  senderPerSecond: 0,
  senderQueue: 1_000_000,

  callbackFirstShare: 0.05,
  dropShare: 0.05,
  // Where no callback comes, only the list can tell.
  silentShare: 0.15,
  duplicateShare: 0.05,
  shuffleShare: 0.05,

  listLagMs: LIST_LAG_MS,
  listLagShare: 0.3,
  listAliasShare: 0.5,
  listRate429: 0.03,
  listRate500: 0.03,
  listRateReset: 0.03,
  listRateHang: 0.02,
};

/** The same knobs when it is over: nothing goes wrong any more, and what is listed is listed at once. */
export const CALM: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.keys(WEATHER).map((name) => [name, 0])),
  retryAfterShare: 1,
  senderQueue: 1_000_000,
  listLagShare: 1,
};
