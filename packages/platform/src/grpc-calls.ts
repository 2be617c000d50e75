import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { HubError } from "@wahub/domain";
import type { CallContext } from "./call-context.ts";
import { type CallRecord, createCallReport } from "./grpc-call-report.ts";
import { libraryRefusal, toGrpcStatus } from "./grpc-errors.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { requestIdHeader, requestIdOf } from "./request-id.ts";

const deadlineSlackMs = 50;

/** A call that took longer to fail has waited for something in vain, for example for a database that hangs. */
const slowFailureMs = 1_000;

/** A negative value tells the retries of gRPC clients to let it be. */
const pushbackTrailer = "grpc-retry-pushback-ms";

export interface CallDeskOptions<Caller> {
  /** Turns the `authorization` metadata into a caller, or throws HubError `unauthenticated`. */
  readonly authenticate: (authorization: string | undefined) => Promise<Caller>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Where every call of a server checks in and out. */
export interface CallDesk<Caller> {
  readonly interceptor: ServerInterceptor;
  /** Runs the handler of an admitted call; if it throws, `refuse` gets the status to send. */
  handle(
    metadata: Metadata,
    handler: (context: CallContext<Caller>) => Promise<void>,
    refuse: (status: StatusObject) => void,
  ): void;
  /** Throws the signal's reason if the client is gone, also where nothing has told us so yet. */
  stillThere(metadata: Metadata): Promise<void>;
  /** Tells handlers that the server begins to stop. */
  announceStop(): void;
  /** Ends the calls of probes (health, reflection), which may stay open for ever. */
  endProbes(): void;
  /** Ends all calls now, with UNAVAILABLE; returns how many there were. */
  endAll(): number;
  /** Resolves when no handler runs; also those count whose client has gone. */
  idle(): Promise<void>;
}

type Answer = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

interface LiveCall extends CallRecord {
  readonly isProbe: boolean;
  readonly call: ServerInterceptingCallInterface;
  readonly abort: AbortController;
  // One for each call, so that what listens to it goes with the call.
  readonly stopping: AbortController;
  requestId: string;
}

/**
 * Admission comes first: until `authenticate` has answered, not a byte of the request is read. Health and reflection are
 * open to everybody; whatever else a server offers is not.
 */
export function createCallDesk<Caller>(options: CallDeskOptions<Caller>): CallDesk<Caller> {
  const { authenticate, log } = options;
  const report = createCallReport(options);
  const live = new Set<LiveCall>();
  const handlers = new Set<Promise<void>>();
  const admitted = new WeakMap<Metadata, { readonly context: CallContext<Caller>; readonly record: LiveCall }>();
  let stopReason: HubError | undefined;

  async function admit(record: LiveCall, metadata: Metadata): Promise<void> {
    const [authorization] = metadata.get("authorization");
    const caller = await authenticate(typeof authorization === "string" ? authorization : undefined);
    const deadline = deadlineOf(record.call);
    const context: CallContext<Caller> = {
      caller,
      requestId: record.requestId,
      signal: record.abort.signal,
      stopping: record.stopping.signal,
      log: log.child({ requestId: record.requestId, method: record.method }),
      ...(deadline === undefined ? {} : { deadline }),
    };
    admitted.set(metadata, { context, record });
  }

  function note(record: LiveCall, error: unknown): StatusObject {
    record.error = error;
    const refusal = toGrpcStatus(error, record.requestId);
    const isSlow = performance.now() - record.startedAt > slowFailureMs;
    // What failed slowly here fails slowly again: the client does not repeat it by itself, unless another replica may answer.
    if (refusal.code === status.UNAVAILABLE && isSlow && stopReason === undefined) {
      refusal.metadata.set(pushbackTrailer, "-1");
    }
    return refusal;
  }

  function refuse(record: LiveCall, error: unknown): void {
    const refusal = note(record, error);
    record.code = refusal.code;
    record.call.sendStatus(refusal);
  }

  function over(record: LiveCall): void {
    live.delete(record);
    if (record.code === undefined) {
      // grpc-js ended the call itself. A client's deadline began before ours, so it often gives up a moment earlier.
      const late = (deadlineOf(record.call)?.getTime() ?? Infinity) - deadlineSlackMs <= Date.now();
      record.code = late ? status.DEADLINE_EXCEEDED : status.CANCELLED;
      record.abort.abort(new HubError("unavailable", late ? "the deadline has passed" : "the client went away"));
    }
    if (!record.isProbe) report(record);
  }

  const interceptor: ServerInterceptor = (method, call) => {
    const record: LiveCall = {
      method: method.path.slice(1),
      isProbe: isProbe(method.path),
      call,
      abort: new AbortController(),
      stopping: new AbortController(),
      startedAt: performance.now(),
      requestId: "",
    };
    // What grpc-js cannot read it refuses past every interceptor, at this end of their chain.
    const send = call.sendStatus.bind(call);
    call.sendStatus = (answer) => send(record.code === undefined ? inOurWords(record, answer) : answer);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            live.add(record);
            if (stopReason !== undefined) record.stopping.abort(stopReason);
            if (record.isProbe) return proceed(metadata);
            record.requestId = requestIdOf(metadata.get(requestIdHeader)[0]);
            admit(record, metadata).then(
              () => proceed(metadata),
              (error: unknown) => refuse(record, error),
            );
          },
          onCancel: () => over(record),
        }),
      sendStatus: (answer, next) => {
        const ours = inOurWords(record, answer);
        record.code ??= ours.code;
        next(ours);
      },
    });
  };

  return {
    interceptor,
    handle(metadata, handler, refuseCall) {
      const entry = admitted.get(metadata);
      // Fail closed: a call that did not come through the interceptor has not been authenticated.
      if (entry === undefined) return refuseCall(toGrpcStatus(new HubError("unauthenticated", "not admitted"), ""));
      const { context, record } = entry;
      const running = handler(context).catch((error: unknown) => {
        if (!context.signal.aborted) return refuseCall(note(record, error));
        // Nobody waits for the answer any more, and mostly the error is only the echo of that.
        context.log.debug({ event: "grpc_call_failed_late", err: error });
      });
      handlers.add(running);
      void running.finally(() => handlers.delete(running));
    },
    async stillThere(metadata) {
      const entry = admitted.get(metadata);
      // Asking for more makes grpc-js look at the connection; what it finds is told on the next tick.
      entry?.record.call.startRead();
      await new Promise((resolve) => setImmediate(resolve));
      entry?.context.signal.throwIfAborted();
    },
    announceStop() {
      stopReason ??= serverStops();
      for (const record of live) record.stopping.abort(stopReason);
    },
    endProbes() {
      for (const record of live) {
        if (record.isProbe) refuse(record, serverStops());
      }
    },
    endAll() {
      const reason = serverStops();
      const calls = [...live];
      for (const record of calls) {
        refuse(record, reason);
        record.abort.abort(reason);
      }
      return calls.length;
    },
    async idle() {
      while (handlers.size > 0) await Promise.all(handlers);
    },
  };
}

function serverStops(): HubError {
  return new HubError("unavailable", "the server is stopping; call again");
}

/** The status, or if the library refuses a request by it, what we say to that; the handler of a stream is told, too. */
function inOurWords(record: LiveCall, answer: Answer): Answer {
  const refusal = libraryRefusal(answer);
  if (refusal === undefined) return answer;
  const ours = toGrpcStatus(refusal.error, record.requestId, refusal.code);
  record.error = refusal.error;
  record.code = ours.code;
  record.abort.abort(refusal.error);
  return ours;
}

function isProbe(path: string): boolean {
  return path.startsWith("/grpc.health.v1.Health/") || path.startsWith("/grpc.reflection.");
}

function deadlineOf(call: ServerInterceptingCallInterface): Date | undefined {
  const deadline = call.getDeadline();
  if (deadline instanceof Date) return deadline;
  return Number.isFinite(deadline) ? new Date(deadline) : undefined;
}
