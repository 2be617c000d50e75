// jest's transformer for TypeScript: Node's own type stripping, which keeps every line and column where it was.
import { createHash } from "node:crypto";
import { stripTypeScriptTypes } from "node:module";

export default {
  canInstrument: false,
  getCacheKey: (source, path) =>
    createHash("sha256").update(`strip\0${process.version}\0${path}\0${source}`).digest("hex"),
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: "strip" }) }),
};
