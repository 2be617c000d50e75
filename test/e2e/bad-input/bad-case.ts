import type { ErrorKindName, Violation } from "@wahub/domain";
import type { Accepted, DoorName, Refusal, Request } from "../doors/index.ts";

export const jsonDoors: readonly DoorName[] = ["Connect JSON", "REST"];
export const binaryDoors: readonly DoorName[] = ["gRPC", "Connect binary", "gRPC-Web"];
export const rpcDoors: readonly DoorName[] = ["gRPC", "Connect binary", "Connect JSON", "gRPC-Web"];
const allDoors: readonly DoorName[] = ["gRPC", "gRPC stream", "Connect binary", "Connect JSON", "gRPC-Web", "REST"];

/** The doors that a request goes through, unless its case says otherwise. */
export function doorsFor(request: Request): readonly DoorName[] {
  if ("order" in request) return allDoors;
  if ("bytes" in request) return binaryDoors;
  return "json" in request ? jsonDoors : rpcDoors;
}

/** What exists before the cases run. */
export interface Known {
  readonly batchId: string;
  readonly messageId: string;
  /** The next page of the batch. */
  readonly pageToken: string;
  /** A batch that was called off. */
  readonly canceledId: string;
  /** An idempotency key that belongs to another order. */
  readonly usedKey: string;
  readonly key: string;
  /** Of a tenant that has no sender. */
  readonly otherKey: string;
}

export interface BadCase {
  readonly name: string;
  readonly request: Request | ((known: Known) => Request);
  /** The doors that can say it, if not all that take such a request. */
  readonly only?: readonly DoorName[];
  /** The whole header; undefined sends none. */
  readonly authorization?: (known: Known) => string | undefined;
  readonly answer: Expected | ((known: Known) => Expected);
  /** Where a door has to say something else. */
  readonly apart?: Readonly<Partial<Record<DoorName, Partial<Refusal> | Accepted>>>;
}

/** Either it is taken with this result, or it is refused like this. */
export type Expected = Accepted | ExpectedRefusal;

export interface ExpectedRefusal {
  readonly kind: ErrorKindName;
  readonly violations?: readonly Violation[];
  /** Where there are no violations to say it. */
  readonly message?: string;
}

/** The refusal of these fields. */
export function invalid(...violations: readonly Violation[]): ExpectedRefusal {
  return { kind: "invalid", violations };
}

/** A field and what is wrong with it; the index is taken from the field's path. */
export function at(field: string, reason: string): Violation {
  const index = /\[(\d+)\]/.exec(field)?.[1];
  return index === undefined ? { field, reason } : { field, index: Number(index), reason };
}
