/** How a request is refused: the answer's status, and the few words that the outside gets to read. */
export interface RefusalRow {
  readonly status: number;
  readonly text: string;
}

/**
 * Every way to refuse a webhook; the name is the label of the counter. Those about signatures read alike from outside:
 * whoever tries one learns nothing about accounts and tokens.
 */
export const refusals = {
  unknown_path: { status: 404, text: "no such webhook" },
  wrong_method: { status: 405, text: "POST only" },
  wrong_content_type: { status: 415, text: "application/x-www-form-urlencoded only" },
  too_large: { status: 413, text: "too large" },
  malformed_form: { status: 400, text: "malformed form" },
  missing_fields: { status: 400, text: "missing fields" },
  unknown_account: { status: 403, text: "forbidden" },
  missing_signature: { status: 403, text: "forbidden" },
  wrong_signature: { status: 403, text: "forbidden" },
} as const satisfies Record<string, RefusalRow>;

export type RefusalReason = keyof typeof refusals;

/** Thrown by a handler to refuse the request; nothing has been changed. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  /** @param detail for our log, where the reason alone does not say enough; nothing personal */
  constructor(reason: RefusalReason, detail?: string) {
    super(detail ?? refusals[reason].text);
    this.name = "Refusal";
    this.reason = reason;
  }
}
