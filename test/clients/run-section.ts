import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { compareJson, compareText, type Difference, type Found, variablesOf } from "./compare.ts";
import type { Section, Step } from "./page.ts";

export type Outcome =
  | { readonly kind: "ok"; readonly commands: number }
  /** What the machine lacks. */
  | { readonly kind: "skipped"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

export interface Shell {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

const stepTimeoutMs = 300_000;

/** Runs a section's commands in their order, each block in a shell of its own, until one does not answer as shown. */
export async function runSection(section: Section, shell: Shell): Promise<Outcome> {
  for (const { commands, hint } of section.needs) {
    const { code } = await run(commands.map((command) => `command -v ${command}`).join(" || "), shell);
    if (code !== 0) return { kind: "skipped", why: `there is no ${commands.join(" and no ")} here; ${hint}` };
  }
  const found: Found = new Map();
  for (const step of section.steps) {
    const { code, output } = await run(step.commands, { ...shell, env: { ...shell.env, ...variablesOf(found) } });
    if (step.kind === "install" && code !== 0) {
      return {
        kind: "skipped",
        why: `it could not be installed:\n${output.trimEnd().split("\n").slice(-5).join("\n")}`,
      };
    }
    const difference = judge(step, code, output, found);
    if (difference !== undefined) {
      return { kind: "failed", why: `line ${step.line} of the page:\n${step.commands}\n\n${difference}` };
    }
  }
  return { kind: "ok", commands: section.steps.length };
}

function judge({ kind, answer }: Step, code: number | null, output: string, found: Found): Difference {
  if ((code === 0) === (kind === "refused")) return `exit code ${code}:\n${output}`;
  if (answer === undefined) return undefined;
  const difference = (answer.kind === "json" ? compareJson : compareText)(answer.text, output, found);
  return difference === undefined ? undefined : `${difference}\n\nin\n\n${output}`;
}

/** `output` is what it printed, of a failed command also to its standard error. */
async function run(commands: string, { cwd, env, signal }: Shell): Promise<{ code: number | null; output: string }> {
  const child = spawn("bash", ["-e", "-o", "pipefail", "-c", commands], {
    cwd,
    env,
    signal: AbortSignal.any([signal, AbortSignal.timeout(stepTimeoutMs)]),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number | null]>,
  ]);
  return { code, output: code === 0 ? out : `${out}${err}` };
}
