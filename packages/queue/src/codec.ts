import { fromJson, toJson } from "@bufbuild/protobuf";
import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import type { JobDefinition } from "./catalog.ts";

/** A payload that cannot be what its producer meant. The text names fields of a job, which hold nothing personal. */
export class MalformedJobError extends Error {
  constructor(name: string, fault: string, cause?: unknown) {
    super(`malformed ${name} job: ${fault}`, { cause });
    this.name = "MalformedJobError";
  }
}

/** The job as it lies in Redis: protobuf's JSON. */
export function encodeJob<Desc extends DescMessage>(
  definition: JobDefinition<Desc>,
  job: MessageShape<Desc>,
): JsonValue {
  return toJson(definition.schema, job);
}

/**
 * Reads a job of this or any other release: fields it does not know are ignored, else a newer producer would stop an
 * older consumer in the middle of a rollout.
 *
 * @throws {MalformedJobError}
 */
export function decodeJob<Desc extends DescMessage>(
  definition: JobDefinition<Desc>,
  payload: unknown,
): MessageShape<Desc> {
  const job = parse(definition, payload);
  const fault = definition.fault(job);
  if (fault !== undefined) throw new MalformedJobError(definition.name, fault);
  return job;
}

function parse<Desc extends DescMessage>(definition: JobDefinition<Desc>, payload: unknown): MessageShape<Desc> {
  try {
    return fromJson(definition.schema, payload as JsonValue, { ignoreUnknownFields: true });
  } catch (cause) {
    throw new MalformedJobError(definition.name, "it does not decode", cause);
  }
}
