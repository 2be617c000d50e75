/** The statuses a WhatsApp message goes through here, in the order of their rank. */
export const MESSAGE_STATUSES = ["queued", "sent", "undelivered", "failed", "delivered", "read"] as const;

export type MessageStatus = (typeof MESSAGE_STATUSES)[number];
