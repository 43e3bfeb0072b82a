import { parseArgs } from "node:util";
import { describe, type Problem, ProblemError, problem } from "#core/problem.ts";
import { timeLeft } from "../compute/timeLeft.ts";
import { openAllAnyway } from "../files/limits.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { commonFlags } from "./flags.ts";
import { disposePool } from "./pool.ts";
import { commands } from "./table.ts";

const DONE = 0;
const FINDINGS = 1;
const WRONG = 2;

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(overview());
    return name === undefined ? WRONG : DONE;
  }
  const command = commands.find((c) => c.name === name);
  const json = rest.includes("--json");
  if (command === undefined)
    return wrong(
      problem("bad-request", `unknown command ${name}; kaibo --help lists them`, ""),
      json,
    );
  try {
    const args = parse(command, rest);
    if (args.values.help === true) {
      process.stdout.write(usage(command));
      return DONE;
    }
    if (args.values["open-anyway"] === true) openAllAnyway();
    const outcome = await command.run(args, terminal());
    process.stdout.write(json ? `${JSON.stringify(outcome.json)}\n` : outcome.text);
    return outcome.failed === true ? FINDINGS : DONE;
  } catch (error) {
    return wrong(asProblem(error), json);
  } finally {
    clearProgress();
    disposePool();
  }
}

function parse(command: Command, args: readonly string[]): Arguments {
  const options = { ...commonFlags, ...command.flags };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true }) as Arguments;
  } catch (error) {
    const [line = ""] = (error as Error).message.split(". ");
    throw new ProblemError(problem("bad-request", `${line} (kaibo ${command.name} --help)`, ""));
  }
}

function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (process.env.KAIBO_DEBUG !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
  const { message, path = "" } = error as Error & { path?: string };
  return problem("compute-failed", message, path);
}

/** One clear line; with --json the object on stdout, which then holds nothing else. */
function wrong(what: Problem, json: boolean): number {
  const { code, message, at } = what;
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, at } })}\n`);
  else process.stderr.write(`kaibo: ${describe(what).replaceAll("\n", " ")}\n`);
  return WRONG;
}

let shown = false;

function clearProgress(): void {
  if (shown) process.stderr.write("\r\u001b[K");
  shown = false;
}

function terminal(): Terminal {
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  return {
    out: (text) => process.stdout.write(text),
    note: (text) => {
      clearProgress();
      process.stderr.write(`${text}\n`);
    },
    progress(done, total, left) {
      if (!process.stderr.isTTY) return;
      shown = true;
      const said = timeLeft(left);
      process.stderr.write(
        `\r\u001b[K${done.toLocaleString("en")} of ${total.toLocaleString("en")} samples${said && `, ${said}`}`,
      );
    },
    signal: abort.signal,
  };
}

function overview(): string {
  const width = Math.max(...commands.map((c) => c.name.length));
  const lines = commands.map((c) => `  ${c.name.padEnd(width)}  ${c.about}`);
  return `kaibo COMMAND …   (kaibo COMMAND --help)\n\n${lines.join("\n")}\n\nexit codes: 0 done, 1 findings at or over --fail-on, 2 usage or input error\n`;
}

function usage(command: Command): string {
  const help = [
    ...command.help,
    ["--open-anyway", "files that are over the limits, too (many nodes, much memory)"],
    ["--json", "one JSON object on stdout, nothing else"],
    ["--help", "this text"],
  ];
  const width = Math.max(...help.map(([flag]) => flag!.length));
  const lines = help.map(([flag, meaning]) => `  ${flag!.padEnd(width)}  ${meaning}`);
  return `kaibo ${command.name} ${command.usage}\n\n${command.about}\n\n${lines.join("\n")}\n`;
}
