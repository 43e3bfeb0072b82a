import type { LayerDiff, MatchedLayer, ModelDiff, UnitsDiff } from "#protocol/views/diff.ts";
import { typeOf } from "../explain/layers.ts";
import { weightsOnly } from "../explain/weightLayers.ts";
import type { Model } from "../formats/model.ts";
import { macsOfOne } from "../prune/cost.ts";
import { attributes } from "./attributes.ts";
import { commonInputs } from "./columns.ts";
import { changesBetween, factChanges } from "./facts.ts";
import { type LayerPair, matchLayers } from "./layers.ts";
import { matchOperators, nodeChanges, operatorDiffs, operatorsOf } from "./operators.ts";
import { Origins } from "./origins.ts";
import { type Side, type SideLayer, sideOf, WEIGHTS } from "./side.ts";
import { tensorDiffs } from "./tensors.ts";
import { matchUnits } from "./units.ts";
import { Wiring } from "./wiring.ts";

/** Without what only files tell. */
export type GraphDiff = Omit<ModelDiff, "bytes" | "before" | "after">;

export const OTHER_FORMAT = "the formats differ: only layers are compared, not what lies between";

/**
 * What went, what is new and what changed from one model to another, whose weights are in memory. Their
 * formats may differ; then layers are compared, and what lies between them is not.
 */
export function diffModels(before: Model, after: Model): GraphDiff {
  const [a, b] = [sideOf(before), sideOf(after)];
  const pairs = matchLayers(a, b);
  const units = unitsOf(a, b, pairs);
  const whole = before.format === after.format;
  const [x, y] = whole ? [operatorsOf(a), operatorsOf(b)] : [[], []];
  const nodes = matchOperators(x, y);
  const wiring = new Wiring(a, b, pairs, nodes);
  const matched = new Map(
    pairs.map((pair): [number, MatchedLayer] => [
      pair.after,
      layerDiff(a.layers[pair.before], b.layers[pair.after], pair, units.get(pair.after)!, wiring),
    ]),
  );
  const facts = [...factChanges(before, after), ...wiring.outputs(a, b)];
  const layers = inOrder(a, b, pairs, matched);
  const operators = operatorDiffs(x, y, nodes, (pair) => wiring.operators(pair));
  const tensors = whole ? tensorDiffs(a, b) : [];
  const macs = [before, after].map(({ graph }) =>
    weightsOnly(graph) ? undefined : macsOfOne(graph),
  );
  const notes = whole
    ? []
    : ["the formats differ: only layers are compared, not what lies between"];
  const differences = [facts, operators, tensors, notes, layers.filter((l) => !isSame(l))];
  return {
    same: differences.every((d) => d.length === 0),
    parameters: { before: before.parameters, after: after.parameters },
    ...(macs[0] === undefined || macs[1] === undefined
      ? {}
      : { macs: { before: macs[0], after: macs[1] } }),
    facts,
    layers,
    operators,
    tensors,
    notes,
  };
}

/** By the index of the second model's layer, whose inputs come before it in its graph. */
function unitsOf(a: Side, b: Side, pairs: readonly LayerPair[]): ReadonlyMap<number, UnitsDiff> {
  const origins = [new Origins(a), new Origins(b)] as const;
  const layer = new Map(pairs.map((p) => [p.after, p.before]));
  const unit = new Map<number, readonly number[]>();
  const found = new Map<number, UnitsDiff>();
  for (const { before, after } of pairs) {
    const [p, q] = [a.layers[before], b.layers[after]];
    const [x, y] = [groupedAs(p, q), groupedAs(q, p)];
    const diff = matchUnits(x, y, commonInputs(x, y, origins, { layer, unit }));
    unit.set(after, diff.from);
    found.set(after, diff);
  }
  return found;
}

/** Weights without a graph do not tell their groups; the other model does. */
function groupedAs(layer: SideLayer, other: SideLayer): SideLayer {
  const { rows, kind } = layer;
  const groups = other.rows?.groups ?? 1;
  if (kind !== WEIGHTS || rows === undefined || groups === 1) return layer;
  return { ...layer, rows: { ...rows, groups, inputs: rows.inputs * groups } };
}

function layerDiff(
  a: SideLayer,
  b: SideLayer,
  { by }: LayerPair,
  units: UnitsDiff,
  wiring: Wiring,
): MatchedLayer {
  return {
    kind: "matched",
    before: a.name,
    after: b.name,
    by,
    summary: { before: a.summary, after: b.summary },
    changes: [...attributeChanges(a, b), ...wiring.layers(a, b)],
    units,
  };
}

function attributeChanges(a: SideLayer, b: SideLayer): MatchedLayer["changes"] {
  const [x, y] = [a.layer, b.layer];
  if (x === undefined || y === undefined) return [];
  const kernel = (side: SideLayer) =>
    /^Conv/.test(side.kind) ? side.layer!.weights.shape.slice(2).join("x") : "";
  const of = ({ node }: Pick<typeof x, "node">) => attributes(typeOf(node), node.attrs);
  const changes = [...changesBetween(of(x), of(y))];
  if (kernel(a) !== kernel(b))
    changes.push({ what: "kernel", before: kernel(a), after: kernel(b) });
  if (a.after !== b.after)
    return [...changes, { what: "followed by", before: a.after, after: b.after }];
  const steps = (side: typeof x) => side.after.filter((n) => typeOf(n) !== "Add");
  const others = steps(y);
  return [
    ...changes,
    ...steps(x).flatMap((n, k) =>
      // Bounds are settings; what other steps read are parameters of the units.
      (typeOf(n) === "Clip"
        ? nodeChanges({ before: n, after: others[k] })
        : changesBetween(of({ node: n }), of({ node: others[k] }))
      ).map((c) => ({
        ...c,
        what: `${typeOf(n)} ${c.what}`,
      })),
    ),
  ];
}

/** As the second model has them; what is gone stands behind what it stood behind. */
function inOrder(
  a: Side,
  b: Side,
  pairs: readonly LayerPair[],
  matched: ReadonlyMap<number, MatchedLayer>,
): readonly LayerDiff[] {
  const partner = new Map(pairs.map((p) => [p.before, p.after]));
  const gone = new Map<number, LayerDiff[]>();
  let last = -1;
  a.layers.forEach(({ name, summary }, i) => {
    const there = partner.get(i);
    if (there !== undefined) last = there;
    else gone.set(last, [...(gone.get(last) ?? []), { kind: "removed", layer: name, summary }]);
  });
  const own = b.layers.flatMap(({ name, summary }, j): LayerDiff[] => [
    matched.get(j) ?? { kind: "added", layer: name, summary },
    ...(gone.get(j) ?? []),
  ]);
  return [...(gone.get(-1) ?? []), ...own];
}

/** Nothing to tell of a layer. */
export function isSame(diff: LayerDiff): boolean {
  if (diff.kind !== "matched") return false;
  const { removed, added, changed, unmatched } = diff.units;
  const units = [removed, added, changed, ...(unmatched === undefined ? [] : [unmatched.before])];
  return diff.before === diff.after && [diff.changes, ...units].every((d) => d.length === 0);
}
