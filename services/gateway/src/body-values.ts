import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import type { DescMessage } from "@bufbuild/protobuf";
import { countWireValues, maxValues } from "@wahub/platform";
import { maxBodyBytes } from "./config.ts";
import { countJsonValues } from "./json-values.ts";
import { framedMessages, type RequestFormat } from "./request-format.ts";

/**
 * How many values the body of an RPC holds, counted without reading it. What cannot be decompressed counts nothing: the
 * library will refuse it.
 *
 * @returns more than `maxValues` where there are more, no matter how many
 */
export async function countBodyValues(schema: DescMessage, body: Buffer, format: RequestFormat): Promise<number> {
  const messages = format.isFramed ? framedMessages(body) : [{ bytes: body, isCompressed: true }];
  let count = 0;
  for (const { bytes, isCompressed } of messages) {
    const plain = isCompressed ? await decompressed(bytes, format.compression) : bytes;
    count += format.format === "json" ? countJsonValues(plain, maxValues) : countWireValues(schema, plain, maxValues);
    if (count > maxValues) break;
  }
  return count;
}

/** By the names of the compressions that the library knows. */
const decompressors: ReadonlyMap<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> =
  new Map([
    ["gzip", promisify(gunzip)],
    ["br", promisify(brotliDecompress)],
  ]);

async function decompressed(bytes: Buffer, compression: string | undefined): Promise<Buffer> {
  if (compression === undefined) return bytes;
  try {
    return (await decompressors.get(compression)?.(bytes, { maxOutputLength: maxBodyBytes })) ?? Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  }
}
