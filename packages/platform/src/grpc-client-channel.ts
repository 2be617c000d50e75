import type { DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { ChannelOptions } from "@grpc/grpc-js";

// About 3 s of trying in all: long enough for a replica to be replaced, short enough for somebody who waits.
const retryPolicy = {
  maxAttempts: 5,
  initialBackoff: "0.2s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

/**
 * How a client's connections behave: calls go round all addresses of the target, dead connections are noticed, and the
 * methods that bear it are repeated when the service is UNAVAILABLE. With every backend down the others fail at once.
 */
export function clientChannelOptions(
  service: DescService,
  options: {
    readonly maxMessageBytes: number;
    readonly retryMethods?: readonly string[];
    readonly keepaliveTimeMs?: number;
    readonly keepaliveTimeoutMs?: number;
  },
): ChannelOptions {
  const { maxMessageBytes, retryMethods = [] } = options;
  const known = new Set(service.methods.map((method) => method.name));
  const unknown = retryMethods.filter((name) => !known.has(name));
  if (unknown.length > 0) throw new Error(`${service.typeName} has no method ${unknown.join(", ")}`);
  const repeatable = service.methods.filter(
    ({ name, idempotency }) =>
      retryMethods.includes(name) || idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
  );
  const methodConfig = repeatable.map(({ name }) => ({
    name: [{ service: service.typeName, method: name }],
    retryPolicy,
  }));
  return {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }], methodConfig }),
    "grpc.keepalive_time_ms": options.keepaliveTimeMs ?? 30_000,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs ?? 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    // A call can only be repeated while its request is kept, and the default keeps 1 MiB.
    "grpc.per_rpc_retry_buffer_size": maxMessageBytes + 1_024,
    "grpc.retry_buffer_size": 4 * maxMessageBytes,
    // How soon a vanished replica's address is looked up anew.
    "grpc.dns_min_time_between_resolutions_ms": 5_000,
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 5_000,
  };
}
