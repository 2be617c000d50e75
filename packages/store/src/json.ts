/** What jsonb holds. */
export type JsonValue = string | number | boolean | null | JsonObject | JsonValue[];

/** A JSON object, as callers send it as metadata. */
export interface JsonObject {
  [key: string]: JsonValue;
}
