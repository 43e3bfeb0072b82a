import type { Finding, FindingLevel } from "#protocol/views/finding.ts";
import type { Arguments } from "./command.ts";
import { oneOf } from "./flags.ts";

const SEVERITIES = ["hint", "information", "warning", "error"] as const;

/** Whether a finding is as severe as `--fail-on` says, or more. */
export function failsOn(args: Arguments, found: readonly Finding[]): boolean {
  const least = oneOf(args, "fail-on", SEVERITIES);
  if (least === undefined) return false;
  return found.some((f) => rank(f.level) >= rank(least));
}

const rank = (level: FindingLevel): number =>
  SEVERITIES.indexOf(level as (typeof SEVERITIES)[number]);
