/** How a request is written, by its headers. */
export interface RequestFormat {
  readonly format: "json" | "proto";
  /** Whether flag and length stand before each message. */
  readonly isFramed: boolean;
  /** How the body, or each framed message that says so, is compressed; undefined for not at all. */
  readonly compression: string | undefined;
}

interface HeaderReader {
  get(name: string): string | null | undefined;
}

/** The format of an RPC's request; undefined where no door takes it. */
export function requestFormat(header: HeaderReader): RequestFormat | undefined {
  const type = /^application\/(?:(grpc-web|connect)(?:\+|(?=;|$)))?(json|proto)?\s*(?:;|$)/i.exec(
    header.get("content-type") ?? "",
  );
  if (type === null) return undefined;
  const [, framing, format = "proto"] = type;
  const encoding = header.get(compressionHeaders[framing?.toLowerCase() ?? ""] ?? "content-encoding");
  return {
    format: format.toLowerCase() === "json" ? "json" : "proto",
    isFramed: framing !== undefined,
    compression: encoding === null || encoding === "" || encoding === "identity" ? undefined : encoding,
  };
}

const compressionHeaders: Readonly<Record<string, string>> = {
  "grpc-web": "grpc-encoding",
  connect: "connect-content-encoding",
};

/** Flag and length before a framed message. */
const frameHeadBytes = 5;

/** Of a frame's flag: its message is compressed. All other bits mark what is no message. */
const compressedFlag = 1;

/** A message of a framed body, as far as it is there. */
export interface Framed {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

/** The messages of a framed body. */
export function* framedMessages(body: Buffer): Generator<Framed> {
  for (let at = 0; at + frameHeadBytes <= body.byteLength;) {
    const flag = body[at]!;
    const begin = at + frameHeadBytes;
    at = begin + body.readUInt32BE(begin - 4);
    if ((flag & ~compressedFlag) === 0) yield { isCompressed: flag !== 0, bytes: body.subarray(begin, at) };
  }
}
