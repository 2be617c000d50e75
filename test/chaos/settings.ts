import type { StackOptions } from "@wahub/stack";

/** Of the one sender there is. What two cores can do beside everything else. */
export const MESSAGES_PER_SECOND = 40;

/** A request to Twilio has ended, and its message is somebody else's to judge, within seconds instead of minutes. */
export const LEASE_MS = 6_000;
const TWILIO_TIMEOUT_MS = 2_500;
const SEND_WINDOW_MS = 2_000;

/**
 * Twilio's list is asked so long after the end of a lease, and once more. What it still does not show by then cannot be seen
 * by anybody. Therefore a message that leaves at the end of its window, is held up on its way and appears in lists late is
 * there before the second look: 2.0 + 2.8 + 9.0 s after its claim, where the look is 6.0 + 5.0 + 4.0 s after it.
 */
const RECONCILE_AFTER_MS = 5_000;
const RECONCILE_SETTLE_MS = 4_000;
export const VERDICT_MS = LEASE_MS + RECONCILE_AFTER_MS + RECONCILE_SETTLE_MS;
export const STALL_TWILIO_MS = 2_800;
export const LIST_LAG_MS = 9_000;

/** Twilio's 429s come in spells; what they slow down is fast again soon. */
const PACE_RECOVERY_MS = "2000";

/** How long a message waits for a callback that never comes, until its batch is settled all the same. */
export const SETTLE_AFTER_S = 20;

/** Long times made short, so that much happens in little time. What belongs together keeps its order. */
export const ENVIRONMENT: NonNullable<StackOptions["env"]> = {
  dispatch: {
    SENDER_MESSAGES_PER_SECOND: `${MESSAGES_PER_SECOND}`,
    DATABASE_TIMEOUT_MS: "5000",
    REOFFER_AFTER_MS: "4000",
    STREAM_OWNER_TIMEOUT_MS: "3000",
    PACE_RECOVERY_MS,
    PROBE_LOST_AFTER_MS: "8000",
    SETTLE_AFTER_S: `${SETTLE_AFTER_S}`,
  },
  sender: {
    DATABASE_TIMEOUT_MS: "3000",
    TWILIO_TIMEOUT_MS: `${TWILIO_TIMEOUT_MS}`,
    SEND_WINDOW_MS: `${SEND_WINDOW_MS}`,
    LEASE_MS: `${LEASE_MS}`,
    SEND_RETRY_DELAYS_S: "1,1,2,2,3,3",
    THROTTLED_WAIT_MS: "500",
    PACE_RECOVERY_MS,
    PAUSED_WAIT_MS: "500",
    PAUSED_WAIT_MAX_MS: "2000",
    LOG_LEVEL: "debug",
  },
  "webhook-ingest": {
    DATABASE_TIMEOUT_MS: "3000",
    LEASE_SWEEP_EVERY_MS: "500",
    TWILIO_TIMEOUT_MS: `${TWILIO_TIMEOUT_MS}`,
    RECONCILE_EVERY_MS: "300",
    RECONCILE_AFTER_MS: `${RECONCILE_AFTER_MS}`,
    RECONCILE_SETTLE_MS: `${RECONCILE_SETTLE_MS}`,
    RECONCILE_DEADLINE_MS: "60000",
    LOG_LEVEL: "debug",
  },
  "status-query": { STATEMENT_TIMEOUT_MS: "5000" },
};
