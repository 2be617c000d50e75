/** How a request ended, in a word to count by; `bad` says what must not happen. */
export interface Outcome {
  readonly ended: string;
  readonly bad?: string;
}

// What a server says when it is at a loss.
const lost = /^(?:13|2|15)$/;

/** Judges whatever came back over HTTP/1.1, as text. */
export function judgeHttp(answer: string): Outcome {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
  if (status === undefined) return answer === "" ? { ended: "closed" } : { ended: "odd", bad: answer.slice(0, 200) };
  const grpcStatus = /grpc-status: ?(\d+)/i.exec(answer)?.[1];
  const ended = grpcStatus === undefined ? status : `${status} grpc ${grpcStatus}`;
  if (status.startsWith("5") || lost.test(grpcStatus ?? "")) return { ended, bad: answer.slice(0, 2000) };
  const code = /"code":"(internal|unknown|data_loss)"/.exec(answer)?.[1];
  return code === undefined ? { ended } : { ended, bad: answer.slice(0, 2000) };
}

/** Judges what a stream of HTTP/2 was answered. */
export function judgeGrpc(answer: {
  readonly httpStatus: number | undefined;
  readonly grpcStatus: string | undefined;
  readonly resetCode: number;
  readonly message: string;
}): Outcome {
  const { httpStatus = 0, grpcStatus, resetCode, message } = answer;
  const ended = grpcStatus === undefined ? `${httpStatus || "reset"}` : `grpc ${grpcStatus}`;
  const internalError = resetCode === 2;
  if (httpStatus >= 500 || lost.test(grpcStatus ?? "") || internalError) {
    return { ended, bad: `HTTP ${httpStatus}, status ${grpcStatus}, reset ${resetCode}: ${message}` };
  }
  return { ended };
}
