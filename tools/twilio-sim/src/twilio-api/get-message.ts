import { messageResource } from "./message-resource.ts";
import { notFound } from "./twilio-fault.ts";
import type { Runs } from "../run.ts";
import type { Operation } from "./door.ts";

/** GET Messages/{Sid}.json: one message as it stands now. */
export function getMessage(accountSid: string, runs: Runs): Operation {
  return (req) => {
    const { ledger } = runs.current;
    const record = ledger.bySid(String(req.params["sid"]));
    if (record === undefined) throw notFound(req.path);
    return { status: 200, body: messageResource(accountSid, ledger, record) };
  };
}
