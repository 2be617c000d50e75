// Run by `helm test` in the image of the services: do the doors answer, and, with a simulated Twilio, does a message go all
// the way? Against the real one nothing is sent.
import { Client, credentials } from "/app/node_modules/@grpc/grpc-js/build/src/index.js";

const { GATEWAY, DISPATCH, STATUS_QUERY, SIMULATED, BOOTSTRAP_API_KEY: key } = process.env;
const until = Date.now() + 90_000;

for (const target of [DISPATCH, STATUS_QUERY]) await retried(`gRPC health of ${target}`, () => health(target));
await retried("the gateway refuses a call without a key", async () => {
  const { status } = await call("whatsapphub.v1.StatusService/GetBatch", {}, {});
  if (status !== 401) throw new Error(`answered ${status}`);
});
if (SIMULATED === "true" && key) {
  const headers = { authorization: `Bearer ${key}` };
  const { body } = await retried("a message is accepted", async () => {
    const answer = await call("bulk-send", { phone_numbers: ["+12125550123"], message: "Hello" }, headers);
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    return answer;
  });
  await retried("it is delivered", async () => {
    const { body: found } = await call(
      "whatsapphub.v1.StatusService/GetMessage",
      { messageId: body.job_ids[0] },
      headers,
    );
    if (!/DELIVERED|READ/.test(found.message?.status)) throw new Error(`it is ${found.message?.status}`);
  });
}

async function call(path, request, headers) {
  const options = {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(request),
  };
  const response = await fetch(`${GATEWAY}/${path}`, { ...options, signal: AbortSignal.timeout(5_000) });
  return { status: response.status, body: await response.json() };
}

function health(target) {
  const client = new Client(target, credentials.createInsecure());
  const bytes = (data) => data;
  return new Promise((resolve, reject) => {
    const deadline = { deadline: Date.now() + 5_000 };
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      bytes,
      bytes,
      Buffer.alloc(0),
      deadline,
      (error, answer) => {
        client.close();
        if (error) reject(error);
        else if (answer[1] === 1) resolve();
        else reject(new Error("not serving"));
      },
    );
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
