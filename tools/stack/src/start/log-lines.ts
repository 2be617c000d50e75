import { styleText } from "node:util";

const COLOURS = ["cyan", "green", "yellow", "magenta", "blue", "gray"] as const;
const WIDTH = "webhook-ingest".length;

export interface LogLines {
  /** Writes the line behind the name of who said it, which is coloured on a terminal. */
  readonly write: (name: string, line: string) => void;
}

export function createLogLines(output: NodeJS.WriteStream): LogLines {
  const names: string[] = [];
  return {
    write(name, line) {
      if (!names.includes(name)) names.push(name);
      const colour = COLOURS[names.indexOf(name) % COLOURS.length]!;
      // It knows what NO_COLOR, FORCE_COLOR and a pipe mean.
      const prefix = styleText(colour, `${name.padEnd(WIDTH)} |`, { stream: output, validateStream: true });
      output.write(`${prefix} ${line}\n`);
    },
  };
}
