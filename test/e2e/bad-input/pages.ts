import { MessageStatus } from "@wahub/proto";
import { at, type BadCase, invalid } from "./bad-case.ts";

const badToken = "not the next_page_token of a page of this batch with these statuses; begin again without one";

export const pages: readonly BadCase[] = [
  {
    name: "a page token that is none",
    request: ({ batchId }) => ({ listMessages: { batchId, pageToken: "../../etc/passwd" } }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token that was tampered with",
    request: ({ batchId, pageToken }) => ({ listMessages: { batchId, pageToken: pageToken.replace(/^./, "_") } }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token of other statuses",
    request: ({ batchId, pageToken }) => ({
      listMessages: { batchId, pageToken, statuses: [MessageStatus.READ] },
    }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token without end",
    request: ({ batchId }) => ({ listMessages: { batchId, pageToken: "x".repeat(513) } }),
    answer: invalid(at("page_token", "must be at most 512 characters")),
  },
  {
    name: "a page of less than nothing",
    request: ({ batchId }) => ({ listMessages: { batchId, pageSize: -1 } }),
    answer: invalid(at("page_size", "must be greater than or equal to 0 and less than or equal to 1000")),
  },
  {
    name: "a page of 1,001",
    request: ({ batchId }) => ({ listMessages: { batchId, pageSize: 1001 } }),
    answer: invalid(at("page_size", "must be greater than or equal to 0 and less than or equal to 1000")),
  },
  {
    name: "statuses that do not exist",
    request: ({ batchId }) => ({ listMessages: { batchId, statuses: [MessageStatus.READ, 99 as MessageStatus] } }),
    answer: invalid(at("statuses[1]", "value must be one of the defined enum values")),
  },
];
