import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyUnpack, durationMs } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "@jest/globals";
import { type ErrorKindName, HubError, invalid } from "@wahub/domain";
import { type ErrorDetail, ErrorDetailSchema, ErrorKind, RpcStatusSchema } from "@wahub/proto";
import { errorDetail } from "./error-detail.ts";
import { errorKinds } from "./error-kinds.ts";
import { fromGrpcError, toGrpcStatus } from "./grpc-errors.ts";

function detailOf(metadata: Metadata): ErrorDetail | undefined {
  const [trailer] = metadata.get("grpc-status-details-bin");
  const [any] = fromBinary(RpcStatusSchema, trailer as Buffer).details;
  return any === undefined ? undefined : anyUnpack(any, ErrorDetailSchema);
}

function serviceError(code: status, details: string, metadata = new Metadata()): Error {
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata });
}

describe("errorKinds", () => {
  test("gives every kind its own number in the proto and leaves none out", () => {
    const numbers = Object.values(errorKinds).map((row) => row.proto);
    const all = Object.values(ErrorKind).filter((value) => value !== ErrorKind.UNSPECIFIED);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(all);
  });

  test.each<[ErrorKindName, string, number]>([
    ["invalid", "INVALID_ARGUMENT", 400],
    ["unauthenticated", "UNAUTHENTICATED", 401],
    ["forbidden", "PERMISSION_DENIED", 403],
    ["not_found", "NOT_FOUND", 404],
    ["conflict", "ALREADY_EXISTS", 409],
    ["not_now", "FAILED_PRECONDITION", 409],
    ["limited", "RESOURCE_EXHAUSTED", 429],
    ["unavailable", "UNAVAILABLE", 503],
    ["internal", "INTERNAL", 500],
  ])("%s is %s in gRPC and %i in HTTP", (kind, grpc, http) => {
    expect([status[errorKinds[kind].grpc], errorKinds[kind].http]).toEqual([grpc, http]);
  });
});

describe("toGrpcStatus", () => {
  test("sends kind, violations, wait and request id along", () => {
    const { code, details, metadata } = toGrpcStatus(
      new HubError("limited", "too many calls", { retryAfterMs: 1_500 }),
      "request-1",
    );
    expect([code, details]).toEqual([status.RESOURCE_EXHAUSTED, "too many calls"]);
    expect(metadata.get("x-request-id")).toEqual(["request-1"]);
    const detail = detailOf(metadata);
    expect(detail).toMatchObject({ kind: ErrorKind.LIMITED, requestId: "request-1" });
    expect(detail?.retryAfter && durationMs(detail.retryAfter)).toBe(1_500);
  });

  test("tells nothing of an error that is not meant for callers", () => {
    const { code, details, metadata } = toGrpcStatus(new Error("password hunter2 is wrong"), "request-1");
    expect([code, details]).toEqual([status.INTERNAL, "internal error; quote request id request-1"]);
    expect(detailOf(metadata)).toMatchObject({ kind: ErrorKind.INTERNAL, requestId: "request-1" });
    expect(metadata.get("grpc-status-details-bin")[0]?.toString()).not.toContain("hunter2");
  });

  test("keeps the detail small enough for a header, however many violations there are", () => {
    const violations = Array.from({ length: 5_000 }, (_, index) => ({
      field: `recipients[${index}].phone`,
      index,
      reason: "x".repeat(1_000),
    }));
    const detail = errorDetail(invalid(violations), "request-1");
    expect(toBinary(ErrorDetailSchema, detail).byteLength).toBeLessThan(4_100);
    expect(detail.violations.length).toBeGreaterThan(10);
    expect(detail.violations[3]).toMatchObject({ field: "recipients[3].phone", index: 3 });
  });

  test("survives texts that are no Unicode", () => {
    const { details } = toGrpcStatus(new HubError("invalid", "half a pair: \ud800"), "request-1");
    expect(() => encodeURI(details)).not.toThrow();
  });
});

describe("fromGrpcError", () => {
  test.each(Object.keys(errorKinds) as ErrorKindName[])("gets back %s as it was sent", (kind) => {
    const sent = new HubError(kind, "the text", {
      violations: [
        { field: "a[2].b", index: 2, reason: "no" },
        { field: "c", reason: "neither" },
      ],
      retryAfterMs: 2_000,
    });
    const { code, details, metadata } = toGrpcStatus(sent, "request-1");
    const received = fromGrpcError(serviceError(code, details, metadata));
    expect(received).toBeInstanceOf(HubError);
    expect(received).toMatchObject({ kind, message: "the text", violations: sent.violations, retryAfterMs: 2_000 });
  });

  test.each<[status, string, ErrorKindName, string]>([
    [status.UNAVAILABLE, "No connection to 10.1.2.3:50051", "unavailable", "the service cannot be reached right now"],
    [status.DEADLINE_EXCEEDED, "", "unavailable", "the deadline passed before an answer came"],
    [status.CANCELLED, "", "unavailable", "the call was canceled"],
    [status.ABORTED, "try again", "unavailable", "try again"],
    [
      status.RESOURCE_EXHAUSTED,
      "Received message larger than max (9 vs 8)",
      "invalid",
      "Received message larger than max (9 vs 8)",
    ],
    [status.RESOURCE_EXHAUSTED, "slow down", "limited", "slow down"],
    [status.UNIMPLEMENTED, "", "internal", "this version of the service does not know the method"],
    [status.UNAUTHENTICATED, "who?", "unauthenticated", "who?"],
    [status.NOT_FOUND, "gone", "not_found", "gone"],
    [status.UNKNOWN, "", "internal", "UNKNOWN"],
  ])("without a detail, code %i (%s) is %s", (code, details, kind, message) => {
    expect(fromGrpcError(serviceError(code, details))).toMatchObject({ kind, message });
  });

  test("goes by the code when the detail is damaged, foreign or of a kind not known yet", () => {
    const damaged = new Metadata();
    damaged.set("grpc-status-details-bin", Buffer.from("nonsense"));
    const newer = toGrpcStatus(new HubError("conflict", "x"), "request-1").metadata;
    const envelope = create(RpcStatusSchema, {
      details: [{ typeUrl: "type.googleapis.com/whatsapphub.v1.ErrorDetail", value: new Uint8Array([8, 99]) }],
    });
    newer.set("grpc-status-details-bin", Buffer.from(toBinary(RpcStatusSchema, envelope)));
    for (const metadata of [damaged, newer]) {
      expect(fromGrpcError(serviceError(status.ALREADY_EXISTS, "x", metadata)).kind).toBe("conflict");
    }
  });

  test("leaves a HubError alone and hides anything else", () => {
    const error = new HubError("not_now", "paused");
    expect(fromGrpcError(error)).toBe(error);
    expect(fromGrpcError(new Error("a bug"))).toMatchObject({ kind: "internal", message: "the call failed" });
  });
});
