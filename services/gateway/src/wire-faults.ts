import type { Violation } from "@wahub/domain";

/** protobuf readers give up at 100 levels, of which each level of an object in a Struct takes two. */
const maxDepth = 51;

/** More are not worth listing. */
const maxFaults = 100;

/**
 * What JSON can say and protobuf cannot carry to the service behind: half a surrogate pair (it would arrive as another
 * character), a number too large for a double (it would arrive as nothing), nesting without end.
 */
export function wireFaults(request: object): Violation[] {
  const faults: Violation[] = [];
  visit(request, "", 0, undefined, (fault) => faults.push(fault) < maxFaults);
  return faults;
}

type Report = (fault: Violation) => boolean;

/** @returns false when enough has been found */
function visit(value: unknown, path: string, depth: number, index: number | undefined, report: Report): boolean {
  const fault = faultOf(value, depth);
  if (fault !== undefined) return report({ field: path, reason: fault, ...(index === undefined ? {} : { index }) });
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return true;
  if (Array.isArray(value)) {
    return value.every((item, at) => visit(item, `${path}[${at}]`, depth + 1, index ?? at, report));
  }
  for (const [name, inner] of Object.entries(value)) {
    if (name.isWellFormed()) {
      if (!visit(inner, path === "" ? name : `${path}.${name}`, depth + 1, index, report)) return false;
    } else if (
      !report({ field: path, reason: "a name contains a lone surrogate", ...(index === undefined ? {} : { index }) })
    ) {
      return false;
    }
  }
  return true;
}

function faultOf(value: unknown, depth: number): string | undefined {
  if (typeof value === "string" && !value.isWellFormed()) return "text contains a lone surrogate";
  if (typeof value === "number" && !Number.isFinite(value)) return "the number is too large";
  if (typeof value === "object" && value !== null && depth >= maxDepth) return "is nested too deeply";
  return undefined;
}
