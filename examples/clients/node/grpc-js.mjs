// Sends a batch, follows it to its end and lists its messages, with @grpc/grpc-js and nothing generated: @grpc/proto-loader
// reads the protos at run time.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { HUB_KEY, DISPATCH = "localhost:50051", STATUS_QUERY = "localhost:50052" } = process.env;
const files = ["dispatch_service", "status_service", "error"].map((name) => `whatsapphub/v1/${name}.proto`);
const protos = loadSync([...files, "google/rpc/status.proto"], {
  includeDirs: [fileURLToPath(new URL("../../../proto", import.meta.url))],
  enums: String,
  defaults: true,
});
const { DispatchService, StatusService } = loadPackageDefinition(protos).whatsapphub.v1;

// Reads may be repeated, and so may BulkSend when it has an idempotency key, as below. A deadline ends it all.
const retryPolicy = {
  maxAttempts: 5,
  initialBackoff: "0.2s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};
const name = [{ service: "whatsapphub.v1.DispatchService" }, { service: "whatsapphub.v1.StatusService" }];
const options = {
  "grpc.service_config": JSON.stringify({ methodConfig: [{ name, retryPolicy }] }),
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
};
const dispatch = new DispatchService(DISPATCH, credentials.createInsecure(), options);
const status = new StatusService(STATUS_QUERY, credentials.createInsecure(), options);
const key = new Metadata();
key.set("authorization", `Bearer ${HUB_KEY}`);

/** A unary call as a promise, with a deadline. */
function call(client, method, request) {
  return promisify(client[method].bind(client))(request, key, { deadline: Date.now() + 30_000 });
}

const order = {
  idempotencyKey: `grpc-js-${randomUUID()}`,
  content: { text: { body: "Hello from grpc-js" } },
  recipients: [
    // proto-loader takes a Struct as the message it is.
    { phone: "+1 212 555 0123", metadata: { fields: { customer: { numberValue: 42 } } } },
    { phone: "+1 212 555 0124" },
    { phone: "212 555 0125" },
  ],
};
const { batchId, acceptedCount, rejected } = await call(dispatch, "BulkSend", order);
console.log(`batch ${batchId}: ${acceptedCount} accepted`);
for (const { index, reason } of rejected) console.log(`rejected: recipient ${index}, ${reason}`);
const again = await call(dispatch, "BulkSend", order);
console.log(`the same call again, the same batch: ${again.batchId === batchId}`);

for await (const { batch } of status.WatchBatch({ batchId }, key)) {
  const counts = batch.counts.map(({ status: word, count }) => `${count} ${word}`);
  console.log("now:", counts.join(", "));
  if (batch.settled) console.log(`settled: ${batch.settled}, ${batch.state}`);
}

/** @type {string[]} */
const recipients = [];
for (let pageToken = ""; ;) {
  const page = await call(status, "ListMessages", { batchId, pageSize: 1, pageToken });
  recipients.push(...page.messages.map(({ recipient }) => recipient));
  pageToken = page.nextPageToken;
  if (pageToken === "") break;
}
console.log("listed:", recipients.toSorted().join(" "));

try {
  await call(status, "GetBatch", { batchId: "nonsense" });
} catch (error) {
  // error.code says what kind of refusal it is; the detail says where and why.
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const [any] = protos["google.rpc.Status"].deserialize(bytes).details;
  const { kind, violations } = protos["whatsapphub.v1.ErrorDetail"].deserialize(any.value);
  console.log(`refused: ${kind}, ${violations[0].field}: ${violations[0].reason}`);
}
dispatch.close();
status.close();
