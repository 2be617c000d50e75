const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const space = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * How many values a JSON text holds, without reading it: a number, a text, a list, an object, each counts, and so does the
 * whole. Of a text that is no JSON the count means nothing; reading it will tell.
 *
 * @param bytes UTF-8
 * @returns stops soon after `limit`
 */
export function countJsonValues(bytes: Uint8Array, limit: number): number {
  let count = 0;
  // The first value in a list or object is counted when it begins, every other one by the comma before it.
  let isFirst = true;
  for (let pos = 0; pos < bytes.length && count <= limit; pos += 1) {
    const byte = bytes[pos]!;
    if (byte === comma) count += 1;
    else if (byte === closeBrace || byte === closeBracket) isFirst = false;
    else if (byte > space) {
      if (isFirst) count += 1;
      isFirst = byte === openBrace || byte === openBracket;
      if (byte === quote) pos = endOfString(bytes, pos + 1);
    }
  }
  return count;
}

function endOfString(bytes: Uint8Array, begin: number): number {
  let pos = begin;
  for (; pos < bytes.length && bytes[pos] !== quote; pos += 1) if (bytes[pos] === backslash) pos += 1;
  return pos;
}
