// Sends a batch, follows it to its end and lists its messages, with connect-node.
//
//   node connect-node.ts [connect|grpc-web|grpc]     the first two through the gateway, gRPC to the services themselves
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create, enumToJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import {
  BatchStateSchema,
  BulkSendRequestSchema,
  DispatchService,
  ErrorDetailSchema,
  ErrorKindSchema,
  MessageStatusSchema,
  StatusService,
} from "@wahub/proto";

const { HUB_KEY, HUB_URL = "http://localhost:8080" } = process.env;
const { DISPATCH = "localhost:50051", STATUS_QUERY = "localhost:50052" } = process.env;
const [protocol = "connect"] = process.argv.slice(2);

const authorize: Interceptor = (next) => (request) => {
  request.header.set("authorization", `Bearer ${HUB_KEY}`);
  return next(request);
};

/** Tries again when the hub cannot be reached: reads always, BulkSend because it has an idempotency key. */
const retry: Interceptor = (next) => async (request) => {
  for (let pauseMs = 200; ; pauseMs *= 2) {
    try {
      return await next(request);
    } catch (error) {
      if (request.stream || pauseMs > 2_000 || ConnectError.from(error).code !== Code.Unavailable) throw error;
      await sleep(pauseMs, undefined, { signal: request.signal });
    }
  }
};

function transportTo(service: string) {
  const options = { interceptors: [retry, authorize], defaultTimeoutMs: 30_000 };
  if (protocol === "grpc") return createGrpcTransport({ baseUrl: `http://${service}`, ...options });
  const createTransport = protocol === "grpc-web" ? createGrpcWebTransport : createConnectTransport;
  return createTransport({ baseUrl: HUB_URL, httpVersion: "1.1", ...options });
}

const dispatch = createClient(DispatchService, transportTo(DISPATCH));
const status = createClient(StatusService, transportTo(STATUS_QUERY));

const order = create(BulkSendRequestSchema, {
  idempotencyKey: `connect-node-${randomUUID()}`,
  content: { kind: { case: "text", value: { body: "Hello from Node" } } },
  recipients: [
    { phone: "+1 212 555 0123", metadata: { customer: 42 } },
    { phone: "+1 212 555 0124" },
    { phone: "212 555 0125" },
  ],
});
const { batchId, acceptedCount, rejected } = await dispatch.bulkSend(order);
console.log(`batch ${batchId}: ${acceptedCount} accepted`);
for (const { index, reason } of rejected) console.log(`rejected: recipient ${index}, ${reason}`);
const again = await dispatch.bulkSend(order);
console.log(`the same call again, the same batch: ${again.batchId === batchId}`);

// A stream lasts as long as there is something to tell, so it gets no deadline (0).
for await (const { batch } of status.watchBatch({ batchId }, { timeoutMs: 0 })) {
  const counts = batch!.counts.map(({ status: word, count }) => `${count} ${enumToJson(MessageStatusSchema, word)}`);
  console.log("now:", counts.join(", "));
  if (batch!.settled) console.log(`settled: ${batch!.settled}, ${enumToJson(BatchStateSchema, batch!.state)}`);
}

const recipients: string[] = [];
for (let pageToken = ""; ;) {
  const page = await status.listMessages({ batchId, pageSize: 1, pageToken });
  recipients.push(...page.messages.map(({ recipient }) => recipient));
  pageToken = page.nextPageToken;
  if (pageToken === "") break;
}
console.log("listed:", recipients.toSorted().join(" "));

try {
  await status.getBatch({ batchId: "nonsense" });
} catch (thrown) {
  // The error's code says what kind of refusal it is; the detail says where and why.
  const [detail] = ConnectError.from(thrown).findDetails(ErrorDetailSchema);
  const [fault] = detail!.violations;
  console.log(`refused: ${enumToJson(ErrorKindSchema, detail!.kind)}, ${fault!.field}: ${fault!.reason}`);
}
