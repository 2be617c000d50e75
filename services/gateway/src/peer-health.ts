import { Client, credentials } from "@grpc/grpc-js";

/** The standard health service of gRPC, asked about the server as a whole. */
const checkPath = "/grpc.health.v1.Health/Check";

/** HealthCheckResponse { status: SERVING } as bytes; any other answer is a no. */
const serving = Buffer.from([0x08, 0x01]);

export interface PeerHealth {
  /** Resolves if the service can be reached and says that it serves; throws otherwise. */
  check(): Promise<void>;
  close(): void;
}

/** Asks a gRPC service whether it serves, on a connection of its own. */
export function createPeerHealth(target: string, timeoutMs: number): PeerHealth {
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2_000,
  });
  return {
    async check() {
      const answer = Promise.withResolvers<Buffer | undefined>();
      client.makeUnaryRequest(
        checkPath,
        same,
        same,
        Buffer.alloc(0),
        { deadline: Date.now() + timeoutMs },
        (error, value) => {
          if (error === null) answer.resolve(value);
          else answer.reject(error);
        },
      );
      if ((await answer.promise)?.equals(serving) !== true) throw new Error("the service says that it does not serve");
    },
    close: () => client.close(),
  };
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
