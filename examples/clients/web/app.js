// Sends a batch, follows it to its end and lists its messages, in a browser with connect-web. There is no key in here:
// calls go to the page's own server, which adds it.
import { enumToJson } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import {
  BatchStateSchema,
  DispatchService,
  ErrorDetailSchema,
  ErrorKindSchema,
  MessageStatusSchema,
  StatusService,
} from "@wahub/proto";

/** `protocol` is "connect" or "grpc-web"; `say` gets a line at a time. */
export async function run(protocol, say) {
  const options = { baseUrl: location.origin, defaultTimeoutMs: 30_000 };
  const transport =
    protocol === "grpc-web"
      ? createGrpcWebTransport(options)
      : createConnectTransport({ ...options, useHttpGet: true });
  const dispatch = createClient(DispatchService, transport);
  const status = createClient(StatusService, transport);

  const order = {
    idempotencyKey: `connect-web-${crypto.randomUUID()}`,
    content: { kind: { case: "text", value: { body: "Hello from a browser" } } },
    recipients: [
      { phone: "+1 212 555 0123", metadata: { customer: 42 } },
      { phone: "+1 212 555 0124" },
      { phone: "212 555 0125" },
    ],
  };
  const { batchId, acceptedCount, rejected } = await dispatch.bulkSend(order);
  say(`batch ${batchId}: ${acceptedCount} accepted`);
  for (const { index, reason } of rejected) say(`rejected: recipient ${index}, ${reason}`);
  const again = await dispatch.bulkSend(order);
  say(`the same call again, the same batch: ${again.batchId === batchId}`);

  // A stream lasts as long as there is something to tell, so it gets no deadline (0).
  for await (const { batch } of status.watchBatch({ batchId }, { timeoutMs: 0 })) {
    const counts = batch.counts.map(({ status: word, count }) => `${count} ${enumToJson(MessageStatusSchema, word)}`);
    say(`now: ${counts.join(", ")}`);
    if (batch.settled) say(`settled: ${batch.settled}, ${enumToJson(BatchStateSchema, batch.state)}`);
  }

  const recipients = [];
  for (let pageToken = ""; ;) {
    const page = await status.listMessages({ batchId, pageSize: 1, pageToken });
    recipients.push(...page.messages.map(({ recipient }) => recipient));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  say(`listed: ${recipients.toSorted().join(" ")}`);

  try {
    await status.getBatch({ batchId: "nonsense" });
  } catch (thrown) {
    // The error's code says what kind of refusal it is; the detail says where and why.
    const [detail] = ConnectError.from(thrown).findDetails(ErrorDetailSchema);
    const [fault] = detail.violations;
    say(`refused: ${enumToJson(ErrorKindSchema, detail.kind)}, ${fault.field}: ${fault.reason}`);
  }
}
