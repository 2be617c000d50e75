/** What can be paused and slowed down as a whole, apart from a batch. The word is also its table's name. */
export type SendingScope = "account" | "sender";

/** One account or sender of a tenant. */
export interface ScopeId {
  readonly scope: SendingScope;
  readonly tenantId: string;
  readonly id: string;
}

/** How long a paused scope is left alone before one message tries: `firstMs`, then twice as long each time, up to `maxMs`. */
export interface ProbeWaits {
  readonly firstMs: number;
  readonly maxMs: number;
}
