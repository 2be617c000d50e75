/** A form as a body parser gives it: a name that occurs twice has a list. */
export type CallbackForm = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a status callback says. Whatever is in here about people is personal: never log it. */
export interface StatusCallback {
  readonly accountSid: string;
  readonly messageSid: string;
  /** Twilio's own word, which may be one that did not exist when this was written. */
  readonly status: string;
  readonly errorCode?: number;
  /** E.164, without the channel's prefix. */
  readonly from?: string;
  readonly to?: string;
}

/** A callback, or why the form is none. */
export type StatusCallbackReading =
  | { readonly ok: true; readonly callback: StatusCallback }
  | { readonly ok: false; readonly fault: string };

/**
 * Reads the form of a status callback. Only the account, the message and the status are required: Twilio adds and drops
 * fields without notice. The fault names a field and never a value.
 */
export function readStatusCallback(form: CallbackForm): StatusCallbackReading {
  const accountSid = sid(form, "AccountSid", /^AC[0-9a-f]{32}$/i);
  if (accountSid === undefined) return { ok: false, fault: "AccountSid is missing or malformed" };
  const messageSid = sid(form, "MessageSid", messageSidPattern) ?? sid(form, "SmsSid", messageSidPattern);
  if (messageSid === undefined) return { ok: false, fault: "MessageSid is missing or malformed" };
  const status = text(form, "MessageStatus") ?? text(form, "SmsStatus");
  if (status === undefined) return { ok: false, fault: "MessageStatus is missing" };
  return {
    ok: true,
    callback: {
      accountSid,
      messageSid,
      status,
      ...optional("errorCode", errorCode(text(form, "ErrorCode"))),
      ...optional("from", address(text(form, "From"))),
      ...optional("to", address(text(form, "To"))),
    },
  };
}

/**
 * The form as it may be kept beside the event: without anything personal. Fields known to be personal are dropped by
 * name, and any other one, also one that Twilio invents tomorrow, when its value looks like an address.
 */
export function auditFields(form: CallbackForm): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(form)) {
    if (value === undefined || personalFields.test(name)) continue;
    const joined = typeof value === "string" ? value : value.join(",");
    if (!addressLike.test(joined)) kept[name] = joined;
  }
  return kept;
}

const messageSidPattern = /^(SM|MM)[0-9a-f]{32}$/i;

/** Fields of status callbacks and inbound messages that say who somebody is, where they are or what they wrote. */
const personalFields =
  /^(To|From|Body|ChannelToAddress|ExternalUserId|ProfileName|WaId|Button.*|InteractiveData|FlowData|ChannelMetadata|Latitude|Longitude|Address|Label|Media.*|Referral.*|Original.*|__proto__)$/;

const addressLike = /whatsapp:|\+\d{7,15}/i;

function text(form: CallbackForm, name: string): string | undefined {
  const value = form[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function sid(form: CallbackForm, name: string, pattern: RegExp): string | undefined {
  const value = text(form, name);
  return value !== undefined && pattern.test(value) ? value : undefined;
}

function errorCode(value: string | undefined): number | undefined {
  return value !== undefined && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
}

function address(value: string | undefined): string | undefined {
  const number = value?.replace(/^whatsapp:/, "");
  return number !== undefined && /^\+\d{7,15}$/.test(number) ? number : undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
}
