// What the image starts: `docker run whatsapp-hub sender`. It becomes the chosen program, in this very process, so that
// SIGTERM reaches the program itself.
import { programs } from "./programs.mjs";

const usageError = 64;

const [name] = process.argv.splice(2, 1);
const program = programs.get(name);

if (program === undefined) {
  console.error(`Say which program to run: ${[...programs.keys()].join(", ")}.`);
  process.exitCode = usageError;
} else {
  endEarly("SIGTERM", 143);
  endEarly("SIGINT", 130);
  await import(program);
}

/** The first process of a container ignores signals that it has no listener for; until the program has its own, end. */
function endEarly(signal, code) {
  const end = () => process.exit(code);
  process.on(signal, end);
  // Only after the program's listener is there: with the last listener of a signal Node stops to watch for it.
  process.on("newListener", (event) => event === signal && queueMicrotask(() => process.off(signal, end)));
}
