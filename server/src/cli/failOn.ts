import type { Finding, FindingLevel } from "#protocol/views/finding.ts";
import type { Arguments, Terminal } from "./command.ts";
import { oneOf } from "./flags.ts";

const SEVERITIES = ["hint", "information", "warning", "error"] as const;
type Severity = (typeof SEVERITIES)[number];
const SHOWN = 5;

export const failOn = (args: Arguments): Severity | undefined => oneOf(args, "fail-on", SEVERITIES);

/** Whether there are findings as severe as `--fail-on` says, or more; the first of them are noted. */
export async function failsOn(
  least: Severity | undefined,
  terminal: Terminal,
  find: () => Promise<readonly Finding[]>,
): Promise<boolean> {
  if (least === undefined) return false;
  const found = (await find()).filter((f) => rank(f.level) >= rank(least));
  if (found.length === 0) return false;
  const shown = found.slice(0, SHOWN).map((f) => `${f.code} ${f.layer}/${f.unit}`);
  const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : "";
  terminal.note(`note: findings at or over ${least}: ${shown.join(", ")}${more}`);
  return true;
}

const rank = (level: FindingLevel): number => SEVERITIES.indexOf(level as Severity);
