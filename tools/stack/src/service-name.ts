/** The services by their folder, in the order in which a message meets them. */
export const SERVICE_NAMES = ["gateway", "dispatch", "sender", "webhook-ingest", "status-query"] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];
