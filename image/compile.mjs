// Run while the image is built: loads everything once, so that NODE_COMPILE_CACHE holds it compiled.
import { flushCompileCache } from "node:module";
import { modulesToCompile, programs } from "./programs.mjs";

for (const path of modulesToCompile) await import(path);
flushCompileCache();
console.log(`compiled: ${[...programs.keys()].join(", ")}`);
// Nothing was started; a library may still have left a timer.
process.exit();
