// Runs inside the browser: the example's page with both protocols, and what a page from elsewhere gets. Tells the test
// what came of it.
// oxlint-disable-next-line import/no-absolute-path -- the path of the page's script on its server
import { run } from "/app.js";

const results = { lines: {} };
try {
  for (const protocol of ["connect", "grpc-web"]) {
    const lines = (results.lines[protocol] = []);
    await run(protocol, (line) => lines.push(line));
  }
  results.elsewhere = await outcome(new URLSearchParams(location.search).get("hub"));
} catch (error) {
  results.error = String(error?.stack ?? error);
}
await fetch("/results", { method: "POST", body: JSON.stringify(results) });

/** The same call straight to the hub, which is another origin to this page. */
async function outcome(hub) {
  try {
    const headers = { "content-type": "application/json", authorization: "Bearer whatever" };
    const answer = await fetch(`${hub}/whatsapphub.v1.StatusService/GetBatch`, { method: "POST", headers, body: "{}" });
    return `answered ${answer.status}`;
  } catch (error) {
    return error.name;
  }
}
