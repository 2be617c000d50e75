import type { ErrorRequestHandler, RequestHandler } from "express";
import { HubError } from "@wahub/domain";
import { errorKinds, publicError } from "@wahub/platform";
import { headersOf } from "./answer-headers.ts";
import { bodyTooLarge } from "./body-too-large.ts";
import { factsOf } from "./call-facts.ts";

/** An invalid request for which HTTP has a status of its own. */
export class HttpRefusal extends HubError {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(httpStatus: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super("invalid", message);
    this.httpStatus = httpStatus;
    this.headers = headers;
  }
}

/** Stands behind all doors. */
export const nothingHere: RequestHandler = () => {
  throw new HubError("not_found", "there is nothing at this path");
};

/**
 * The end of everything that went wrong outside the Connect door: the status of the error's kind and
 * `{ error: { kind, message, request_id, violations } }`. No stack, no text that is not meant for the caller.
 */
export const answerError: ErrorRequestHandler = (thrown: unknown, req, res, next) => {
  if (res.headersSent) return next(thrown);
  const facts = factsOf(req);
  const error = publicError(fromBodyParser(thrown) ?? thrown, facts.requestId);
  facts.code = errorKinds[error.kind].grpc;
  facts.error = error;
  const refusal = error instanceof HttpRefusal ? error : undefined;
  res
    .status(refusal?.httpStatus ?? errorKinds[error.kind].http)
    .set({ ...headersOf(error), ...refusal?.headers })
    .json({
      error: {
        kind: error.kind,
        message: error.message,
        request_id: facts.requestId,
        violations: error.violations,
      },
    });
};

/** The words for a body in another character set or compression. */
export const unsupportedBody = "the body must be UTF-8, plain or compressed by gzip, deflate or br";

/** What express.raw() refuses. */
function fromBodyParser(error: unknown): HubError | undefined {
  if (error instanceof HubError || !hasStatus(error) || error.status < 400 || error.status > 499) return undefined;
  switch (error.status === 415 ? "unsupported" : error.type) {
    case "unsupported":
      return new HttpRefusal(415, unsupportedBody);
    case "entity.too.large":
      return new HttpRefusal(413, bodyTooLarge().message);
    default:
      return new HttpRefusal(400, "the body cannot be read");
  }
}

function hasStatus(error: unknown): error is { readonly status: number; readonly type?: unknown } {
  return typeof error === "object" && error !== null && "status" in error && typeof error.status === "number";
}
