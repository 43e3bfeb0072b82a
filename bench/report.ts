import type { Bound, Result } from "./row.ts";

/** The results as Markdown: against the targets, then what else was seen, then why rows are missing. */
export function report(results: readonly Result[]): string {
  const main = table(
    ["#", "work", "ours", "peer", "ratio", "first target", "aim"],
    results.map((r) => [
      r.id,
      r.work,
      r.ours ?? "–",
      r.peer ?? "–",
      verdict(r),
      most(r.target),
      r.aim === undefined ? "–" : most(r.aim),
    ]),
  );
  const seen = results.filter((r) => r.more !== undefined);
  const columns = [...new Set(seen.flatMap((r) => Object.keys(r.more ?? {})))];
  const more = table(
    ["#", ...columns],
    seen.map((r) => [r.id, ...columns.map((c) => r.more?.[c] ?? "–")]),
  );
  const notes = results.flatMap((r) =>
    r.note === undefined ? [] : [`- ${r.id} ${r.status}: ${r.note}`],
  );
  return [main, ...(seen.length > 0 ? [more] : []), ...(notes.length > 0 ? [notes.join("\n")] : [])]
    .map((part) => `${part}\n`)
    .join("\n");
}

/** What was measured, and how far it got: "0.21 (first target)". */
function verdict({ status, value, target, aim }: Result): string {
  if (status === "failed") return "failed";
  if (value === undefined) return status;
  const shown = target.unit === "" ? value.toFixed(2) : `${value} ${target.unit}`;
  if (aim !== undefined && value <= aim.most) return `${shown} (aim)`;
  return `${shown} (${value <= target.most ? "first target" : "missed"})`;
}

const most = ({ most, unit }: Bound): string => `≤ ${most}${unit === "" ? "" : ` ${unit}`}`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
