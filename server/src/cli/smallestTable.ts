import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { SmallestReport, Try } from "../operations/smallest.ts";

const ENDED = {
  narrowest: "no layer can lose more",
  tries: "all tries are used up; more --tries may find a smaller one",
  cancelled: "cancelled: the smallest so far was written",
} as const;

const whole = (n: number) => n.toLocaleString("en");

/** One try in a line. */
export function tryLine({ layer, widths, accuracy, enough, seconds }: Try): string {
  const what =
    layer === undefined
      ? Object.entries(widths)
          .map(([name, units]) => `${name} ${units}`)
          .join(", ")
      : `${layer} ${widths[layer]}`;
  const { pruned, retrained } = accuracy;
  const found = `accuracy ${pruned.toFixed(4)}, retrained ${retrained.toFixed(4)}`;
  return `${what}: ${found}: ${enough ? "enough" : "too few units"} (${seconds.toFixed(1)} s)`;
}

/** Layers whose widths have columns of their own. */
const MOST_COLUMNS = 8;

/** The tries as a table, and what came of them. */
export function smallestText(report: SmallestReport): string {
  const { output, layers, tries, accuracy, least, samples, ended, refused, seconds } = report;
  const lost = layers.filter((l) => l.after < l.before);
  const shown = layers.length <= MOST_COLUMNS ? layers : [];
  const names = shown.map((l) => l.layer);
  const head = ["cut", ...names, "parameters", "MAC", "pruned", "retrained", "", "seconds"];
  const rows = [
    ["", ...shown.map((l) => whole(l.before)), whole(report.parameters.before)]
      .concat(whole(report.macs.before), accuracy.before.toFixed(4))
      .concat("", "as it was", ""),
    ...tries.map(
      ({ layer = "all", widths, parameters, macs, accuracy: found, enough, seconds: taken }) => [
        layer,
        ...names.map((name) => whole(widths[name]!)),
        whole(parameters),
        whole(macs),
        found.pruned.toFixed(4),
        found.retrained.toFixed(4),
        enough ? "enough" : "too few",
        taken.toFixed(1),
      ],
    ),
  ];
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padStart(widths[i]!)).join("  ")}\n`;
  const arrow = (name: string, { before, after }: BeforeAfter, show: (n: number) => string) =>
    `  ${name.padEnd(12)} ${show(before)} → ${show(after)}\n`;
  return [
    `${output}: ${lost.map((l) => `${l.layer} ${l.before} → ${l.after}`).join(", ")}; ${ENDED[ended]}\n`,
    line(head),
    ...rows.map(line),
    arrow("accuracy", accuracy, (n) => n.toFixed(4)),
    arrow("parameters", report.parameters, whole),
    arrow("bytes", report.bytes, whole),
    arrow("MAC", report.macs, whole),
    ...refused.map(
      ({ layer, because }) => `  not tried${layer ? ` in ${layer}` : ""}: ${because}\n`,
    ),
    `  kept: ${least.toFixed(4)} on ${whole(samples)} samples; ${seconds.toFixed(1)} s\n`,
  ].join("");
}
