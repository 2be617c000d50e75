import type { Response } from "express";
import { refuse } from "./refuse.ts";

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 1_000;

/** Which part of a list is asked for. */
export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
}

/** Reads `offset` and `limit`; refuses the request and returns undefined when they are no numbers or too large. */
export function readPageQuery(query: URLSearchParams, res: Response): PageQuery | undefined {
  const offset = wholeOf(query.get("offset"), 0);
  const limit = wholeOf(query.get("limit"), DEFAULT_LIMIT);
  if (offset !== undefined && limit !== undefined && limit >= 1 && limit <= MAX_LIMIT) return { offset, limit };
  refuse(res, [`offset must be a whole number, limit a whole number from 1 to ${MAX_LIMIT}`]);
  return undefined;
}

function wholeOf(text: string | null, fallback: number): number | undefined {
  if (text === null) return fallback;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
