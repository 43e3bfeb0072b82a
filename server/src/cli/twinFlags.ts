import { resolve } from "node:path";
import { fail } from "#core/problem.ts";
import type { TwinRequest } from "../operations/twin.ts";
import type { Arguments, Flags } from "./command.ts";
import { text } from "./flags.ts";

export const twinFlags = {
  twin: { type: "string" },
  "twin-output": { type: "string" },
} satisfies Flags;

export const twinHelp = [
  [
    "--twin FILE",
    "the module's state_dict as .safetensors, which loses the same units (with --twin-output)",
  ],
  ["--twin-output FILE", "the file to write the smaller twin to"],
] as const;

export function twinRequest(args: Arguments): TwinRequest | undefined {
  const path = text(args, "twin");
  const output = text(args, "twin-output");
  if (path === undefined && output === undefined) return undefined;
  if (path === undefined) return fail("bad-request", "--twin-output needs --twin", "");
  if (output === undefined)
    return fail("bad-request", "name the file for the smaller twin with --twin-output", "");
  return { path: resolve(path), output: resolve(output) };
}
