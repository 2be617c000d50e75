import type { DescMethod } from "@bufbuild/protobuf";
import type { CallContext } from "./call-context.ts";
import { countWireValues, maxValues, tooManyValues } from "./value-count.ts";

/** A message of a request that has arrived and is not read yet. */
export interface ArrivedMessage<Caller> {
  /** The caller's. */
  readonly caller: Caller;
  readonly method: DescMethod;
  readonly bytes: number;
  /** What JSON would call its values; at most `maxValues`. */
  readonly values: number;
}

/**
 * Waits until there is room for a message to be read and worked on, or throws HubError `limited` or `unavailable`. What it
 * resolves with is called once, when the message is done with.
 */
export type Admit<Caller> = (message: ArrivedMessage<Caller>, signal: AbortSignal) => Promise<() => void>;

/**
 * Lets a message in, or refuses it for what can be told without reading it.
 *
 * @returns to be called when the message is done with; again does nothing
 * @throws HubError `invalid` where it holds more values than any request may
 */
export async function arrive<Caller>(
  method: DescMethod,
  bytes: Uint8Array,
  { caller, signal }: CallContext<Caller>,
  admit: Admit<Caller> | undefined,
): Promise<() => void> {
  const values = countWireValues(method.input, bytes);
  if (values > maxValues) throw tooManyValues();
  const leave = await admit?.({ caller, method, bytes: bytes.byteLength, values }, signal);
  let isInside = true;
  return () => {
    if (isInside) leave?.();
    isInside = false;
  };
}
