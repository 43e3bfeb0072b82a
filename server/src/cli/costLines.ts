import type { BeforeAfter, Latency, PruneCost } from "#protocol/views/cost.ts";
import { milliseconds } from "../handlers/costMessages.ts";
import { isSlower } from "../operations/latency.ts";

/** What a prune costs, a line for each fact that is known. */
export function costLines(cost: PruneCost): string {
  const { accuracy, parameters, bytes, macs, latency, rounded } = cost;
  const lines = [
    ...(accuracy === undefined ? [] : [row("accuracy", accuracy, (n) => n.toFixed(4))]),
    row("parameters", parameters, whole),
    row("bytes", bytes, whole),
    ...(macs === undefined ? [] : [row("MAC", macs, whole)]),
    ...(latency === undefined ? [] : [latencyLine(latency)]),
    ...(rounded === undefined
      ? []
      : [
          `  with --round ${rounded.multiple} fewer units go, and it takes ${milliseconds(rounded.latency.after)} ms\n`,
        ]),
  ];
  return lines.join("");
}

function latencyLine(latency: Latency): string {
  const { threads, engine } = latency;
  const how = `${threads === 1 ? "one thread" : `${threads} threads`}, ${engine}`;
  const worse = isSlower(latency) ? "  SLOWER than before" : "";
  return `${row("ms a sample", latency, milliseconds).trimEnd()}  (${how})${worse}\n`;
}

const whole = (n: number): string => n.toLocaleString("en");

const row = (name: string, { before, after }: BeforeAfter, show: (n: number) => string): string =>
  `  ${name.padEnd(12)} ${show(before)} → ${show(after)}\n`;
