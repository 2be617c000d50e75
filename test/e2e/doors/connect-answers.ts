import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorOfDetail } from "@wahub/platform";
import { type ErrorDetail, ErrorDetailSchema } from "@wahub/proto";
import { type Refusal, refusalOf } from "./door.ts";

/** What a client of Connect or gRPC-Web threw. */
export function refusalOfConnectError(error: unknown): Refusal {
  const { code, rawMessage, ...rest } = ConnectError.from(error);
  const [detail] = ConnectError.from(error).findDetails(ErrorDetailSchema);
  if (detail === undefined) throw new Error(`a refusal without a detail: ${code} ${rawMessage}`, { cause: rest });
  return refusalOfDetail(detail, rawMessage, { code: codeName(Code[code]) });
}

/** What a unary Connect call was answered. */
export async function refusalOfConnectResponse(response: Response): Promise<Refusal> {
  const {
    code,
    message = "",
    details = [],
  } = (await response.json()) as {
    code: string;
    message?: string;
    details?: { type: string; value: string }[];
  };
  const [detail] = details.filter(({ type }) => type === "whatsapphub.v1.ErrorDetail");
  if (detail === undefined) throw new Error(`a refusal without a detail: ${response.status} ${code} ${message}`);
  return refusalOfDetail(fromBinary(ErrorDetailSchema, base64Decode(detail.value)), message, {
    code: codeName(code),
    httpStatus: response.status,
  });
}

export function refusalOfDetail(
  detail: ErrorDetail,
  message: string,
  shown: { code: string; httpStatus?: number },
): Refusal {
  const error = errorOfDetail(detail, message);
  if (error === undefined) throw new Error(`a refusal of an unknown kind: ${message}`);
  return refusalOf(error, shown);
}

/** `InvalidArgument` and `invalid_argument` as gRPC writes it. */
function codeName(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
}
