import { UnknownResolution } from "@wahub/proto";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { bytesOf } from "../doors/order-forms.ts";
import { at, type BadCase, type ExpectedRefusal, invalid } from "./bad-case.ts";
import { good, goodJson, goodRest, plus } from "./orders.ts";

const notDefined = "value must be one of the defined enum values";
/** The seed's call has no such field. */
const unknownThere: Partial<ExpectedRefusal> = { violations: [at("unknown_policy", "there is no such field")] };

const policyJson = (json: string) => ({
  json: plus(goodJson, `"unknownPolicy":${json}`),
  restJson: plus(goodRest, `"unknown_policy":${json}`),
});

/** What is to become of messages of which nobody knows. */
export const policies: readonly BadCase[] = [
  {
    name: "a policy that does not exist",
    request: {
      bytes: Buffer.concat([bytesOf(good), new BinaryWriter().tag(7, WireType.Varint).int32(99).finish()]),
    },
    answer: invalid(at("unknown_policy", notDefined)),
  },
  {
    name: "a policy by a name that does not exist",
    request: policyJson('"UNKNOWN_POLICY_GUESS"'),
    answer: invalid(at("unknown_policy", "the value does not fit")),
    apart: { REST: unknownThere },
  },
  {
    name: "a policy by a number that does not exist",
    request: policyJson("99"),
    answer: invalid(at("unknown_policy", notDefined)),
    apart: { REST: unknownThere },
  },
  {
    name: "no decision about what is held",
    request: ({ batchId }) => ({ control: { method: "resolveUnknown", batchId } }),
    answer: invalid(at("resolution", "must not be in list [0]")),
  },
  {
    name: "a decision that does not exist",
    request: ({ batchId }) => ({ control: { method: "resolveUnknown", batchId, resolution: 99 as UnknownResolution } }),
    answer: invalid(at("resolution", notDefined)),
  },
  {
    name: "a decision about messages by ids that are none",
    request: ({ batchId }) => ({
      control: {
        method: "resolveUnknown",
        batchId,
        resolution: UnknownResolution.ASSUME_SENT,
        messageIds: [batchId, "1"],
      },
    }),
    answer: invalid(at("message_ids[1]", "must be a valid UUID")),
  },
  {
    name: "a decision about another tenant's batch",
    request: ({ batchId }) => ({
      control: { method: "resolveUnknown", batchId, resolution: UnknownResolution.ASSUME_SENT },
    }),
    authorization: ({ otherKey }) => `Bearer ${otherKey}`,
    answer: ({ batchId }) => ({ kind: "not_found", violations: [], message: `batch ${batchId} not found` }),
  },
  {
    name: "sending again what was called off",
    request: ({ canceledId: batchId }) => ({
      control: { method: "resolveUnknown", batchId, resolution: UnknownResolution.SEND_AGAIN },
    }),
    answer: ({ canceledId }) => ({
      kind: "not_now",
      violations: [],
      message: `batch ${canceledId} is canceled or its time is over: nothing of it is sent again`,
    }),
  },
  {
    name: "a decision about nothing",
    request: ({ batchId }) => ({
      control: { method: "resolveUnknown", batchId, resolution: UnknownResolution.ASSUME_SENT },
    }),
    answer: { accepted: 0, rejected: [] },
  },
];
