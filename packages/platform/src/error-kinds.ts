import { status } from "@grpc/grpc-js";
import type { ErrorKindName } from "@wahub/domain";
import { ErrorKind } from "@wahub/proto";

/** How one kind of error looks on each door. */
export interface ErrorKindRow {
  readonly grpc: status;
  readonly http: number;
  readonly proto: ErrorKind;
}

/**
 * The only table of its sort: every door answers by it. A new kind goes into the proto, into ErrorKindName and here.
 */
export const errorKinds: Readonly<Record<ErrorKindName, ErrorKindRow>> = {
  invalid: { grpc: status.INVALID_ARGUMENT, http: 400, proto: ErrorKind.INVALID },
  unauthenticated: { grpc: status.UNAUTHENTICATED, http: 401, proto: ErrorKind.UNAUTHENTICATED },
  forbidden: { grpc: status.PERMISSION_DENIED, http: 403, proto: ErrorKind.FORBIDDEN },
  not_found: { grpc: status.NOT_FOUND, http: 404, proto: ErrorKind.NOT_FOUND },
  conflict: { grpc: status.ALREADY_EXISTS, http: 409, proto: ErrorKind.CONFLICT },
  not_now: { grpc: status.FAILED_PRECONDITION, http: 409, proto: ErrorKind.NOT_NOW },
  limited: { grpc: status.RESOURCE_EXHAUSTED, http: 429, proto: ErrorKind.LIMITED },
  unavailable: { grpc: status.UNAVAILABLE, http: 503, proto: ErrorKind.UNAVAILABLE },
  internal: { grpc: status.INTERNAL, http: 500, proto: ErrorKind.INTERNAL },
};

/** The kind with this number in the proto; `undefined` for one that is not (yet) known here. */
export function errorKindOf(proto: ErrorKind): ErrorKindName | undefined {
  return (Object.keys(errorKinds) as ErrorKindName[]).find((name) => errorKinds[name].proto === proto);
}
