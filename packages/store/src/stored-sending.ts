import type { SendingState } from "@wahub/proto";

/** Whether an account or sender may send, and what holds it back. */
export interface StoredSending {
  readonly state: SendingState;
  /** Twilio's code that paused it; 0 for none. */
  readonly pauseCode: number;
  readonly pauseReason: string;
  readonly pausedAt: Date | undefined;
  readonly resumedAt: Date | undefined;
  /** When one message may try, or the next one where that one is lost; undefined where only a person resumes it. */
  readonly probeAt: Date | undefined;
  /** Tries since the pause that did not help. */
  readonly probes: number;
  /** The message that tries. */
  readonly probeMessageId: string | undefined;
  readonly holdUntil: Date | undefined;
  /** Share of the speed at `pacedAt`; see `effectivePace`. */
  readonly pace: number;
  readonly pacedAt: Date | undefined;
}

/** The columns as the driver reads them. */
interface Columns {
  state: SendingState;
  pause_code: number;
  pause_reason: string;
  paused_at: Date | null;
  resumed_at: Date | null;
  probe_at: Date | null;
  probes: number;
  probe_message_id: string | null;
  hold_until: Date | null;
  pace: number;
  paced_at: Date | null;
}

const columns: readonly (keyof Columns)[] = [
  "state",
  "pause_code",
  "pause_reason",
  "paused_at",
  "resumed_at",
  "probe_at",
  "probes",
  "probe_message_id",
  "hold_until",
  "pace",
  "paced_at",
];

/** What `sendingColumns` with this alias adds to a row. */
export type SendingRow<Alias extends string> = {
  [Key in keyof Columns as `${Alias}_${Key}`]: Columns[Key];
};

/** The columns of an account or sender that is joined under this alias. */
export function sendingColumns(alias: string): string {
  return columns.map((column) => `${alias}.${column} as ${alias}_${column}`).join(", ");
}

export function toSending<Alias extends string>(row: SendingRow<Alias>, alias: Alias): StoredSending {
  const values = row as Record<string, unknown>;
  const read = Object.fromEntries(
    columns.map((column) => [column, values[`${alias}_${column}`]]),
  ) as unknown as Columns;
  return {
    state: read.state,
    pauseCode: read.pause_code,
    pauseReason: read.pause_reason,
    pausedAt: read.paused_at ?? undefined,
    resumedAt: read.resumed_at ?? undefined,
    probeAt: read.probe_at ?? undefined,
    probes: read.probes,
    probeMessageId: read.probe_message_id ?? undefined,
    holdUntil: read.hold_until ?? undefined,
    pace: read.pace,
    pacedAt: read.paced_at ?? undefined,
  };
}
