import type { BeforeAfter } from "#protocol/views/cost.ts";
import type {
  Change,
  LayerDiff,
  MatchedLayer,
  ModelDiff,
  OperatorDiff,
  TensorDiff,
} from "#protocol/views/diff.ts";
import { count } from "../report/numbers.ts";
import { isSame } from "./diff.ts";
import { percent, unitList } from "./show.ts";

/** For people, as `diff -u` writes it: - only before, + only after, ~ changed; "" where nothing differs. */
export function diffText(diff: ModelDiff): string {
  if (diff.same) return "";
  const costs: readonly [string, BeforeAfter | undefined][] = [
    ["parameters", diff.parameters],
    ["MAC", diff.macs],
    ["bytes", diff.bytes],
  ];
  return [
    `--- ${diff.before}`,
    `+++ ${diff.after}`,
    ...costs.flatMap(([what, cost]) => (cost === undefined ? [] : costLine(what, cost))),
    ...diff.facts.map((change) => `~ ${changeText(change)}`),
    ...diff.layers.filter((l) => !isSame(l)).flatMap(layerLines),
    ...diff.operators.map(operatorLine),
    ...diff.tensors.map(tensorLine),
    ...diff.notes.map((note) => `# ${note}`),
    "",
  ].join("\n");
}

function costLine(what: string, { before, after }: BeforeAfter): readonly string[] {
  return before === after ? [] : [`~ ${what}: ${arrow(count(before), count(after))}`];
}

const arrow = (before: string, after: string): string => `${before || "none"} → ${after || "none"}`;
const changeText = ({ what, before, after }: Change): string => `${what}: ${arrow(before, after)}`;
const differing = (before: string, after: string): string =>
  before === after ? before : arrow(before, after);

const SIGN = { removed: "-", added: "+", changed: "~" } as const;

function layerLines(layer: LayerDiff): readonly string[] {
  if (layer.kind !== "matched")
    return [`${SIGN[layer.kind]} layer ${layer.layer}  ${layer.summary}`];
  const { before, after, summary, changes } = layer;
  const heading = `~ layer ${differing(before, after)}  ${differing(summary.before, summary.after)}`;
  return [heading, ...changes.map((c) => `~   ${changeText(c)}`), ...unitLines(layer)];
}

/** More changed units of a layer than this are one line. */
const MOST_LINES = 16;

function unitLines({ units }: MatchedLayer): readonly string[] {
  const { removed, added, changed, unmatched } = units;
  const lines = removed.map((unit) => ({ at: unit, text: `-   unit ${unit}` }));
  if (changed.length <= MOST_LINES)
    for (const { before, after, change } of changed) {
      const number = before === after ? "" : ` (now ${after})`;
      lines.push({ at: before, text: `~   unit ${before}${number} changed ${percent(change)}` });
    }
  return [
    ...lines.sort((a, b) => a.at - b.at).map(({ text }) => text),
    ...(changed.length > MOST_LINES ? [manyChanged(units)] : []),
    ...added.map((unit) => `+   unit ${unit}`),
    ...(unmatched === undefined
      ? []
      : [
          `?   units cannot be matched: ${unitList(unmatched.before)} before, ${unitList(unmatched.after)} after`,
        ]),
  ];
}

function manyChanged({ changed, count: { before } }: MatchedLayer["units"]): string {
  const by = changed.map(({ change }) => change).sort((a, b) => a - b);
  const range = `${percent(by[by.length >> 1])} (median; at most ${percent(by[by.length - 1])})`;
  return `~   ${count(changed.length)} of ${count(before)} units changed, by ${range}`;
}

function operatorLine(diff: OperatorDiff): string {
  const changes = diff.kind === "changed" ? `: ${diff.changes.map(changeText).join("; ")}` : "";
  return `${SIGN[diff.kind]} ${diff.operator} ${diff.name}${changes}`;
}

function tensorLine(diff: TensorDiff): string {
  if (diff.kind !== "changed") return `${SIGN[diff.kind]} tensor ${diff.tensor}  ${diff.type}`;
  const by = diff.change === undefined ? "" : ` changed ${percent(diff.change)}`;
  return `~ tensor ${diff.tensor}  ${differing(diff.type.before, diff.type.after)}${by}`;
}
