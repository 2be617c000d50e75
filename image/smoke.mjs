// Run in the image by `helm test` and `skaffold verify`: do the doors that are named answer, and, where a key is given because
// Twilio is simulated, does a message go all the way?
import { parseArgs } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";

const { values } = parseArgs({
  options: {
    gateway: { type: "string" },
    dispatch: { type: "string" },
    "status-query": { type: "string" },
    key: { type: "string" },
  },
});
const { gateway, dispatch, "status-query": statusQuery, key } = values;
const until = Date.now() + 90_000;
const usageError = 64;

if (!(gateway || dispatch || statusQuery) || (key && !gateway)) {
  console.error("Name a door: --gateway, --dispatch, --status-query. A message with --key goes in by the gateway.");
  process.exit(usageError);
}
for (const target of [dispatch, statusQuery].filter(Boolean))
  await retried(`${target} says that it serves`, () => health(target));
if (gateway)
  await retried("the gateway refuses a call without a key", async () => {
    const { status } = await call("whatsapphub.v1.StatusService/GetBatch", {}, {});
    if (status !== 401) throw new Error(`answered ${status}`);
  });
if (key) {
  const headers = { authorization: `Bearer ${key}` };
  const { body } = await retried("a message is accepted", async () => {
    const answer = await call("bulk-send", { phone_numbers: ["+12125550123"], message: "Hello" }, headers);
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    return answer;
  });
  await retried("it is delivered", async () => {
    const [messageId] = body.job_ids;
    const { body: found } = await call("whatsapphub.v1.StatusService/GetMessage", { messageId }, headers);
    const status = found.message?.status;
    if (!/DELIVERED|READ/.test(status)) throw new Error(`it is ${status}`);
  });
}
// A gRPC client that has been closed may still hold a timer.
process.exit();

async function call(path, request, headers) {
  const response = await fetch(`${gateway}/${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(5_000),
  });
  return { status: response.status, body: await response.json() };
}

function health(target) {
  const client = new Client(target, credentials.createInsecure());
  const bytes = (data) => data;
  return new Promise((resolve, reject) => {
    const limit = { deadline: Date.now() + 5_000 };
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", bytes, bytes, Buffer.alloc(0), limit, (error, answer) => {
      client.close();
      if (error) reject(error);
      else if (answer[1] === 1) resolve();
      else reject(new Error("it does not serve"));
    });
  });
}

async function retried(what, attempt) {
  for (;;) {
    try {
      const answer = await attempt();
      console.log(`ok: ${what}`);
      return answer;
    } catch (error) {
      if (Date.now() > until) throw new Error(`not so: ${what}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}
