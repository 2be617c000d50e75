import type { Response } from "express";

/** Answers 400 and says everything that is wrong with the request. */
export function refuse(res: Response, faults: readonly string[]): void {
  res.status(400).json({ error: "bad_request", faults });
}
