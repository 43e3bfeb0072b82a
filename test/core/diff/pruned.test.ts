import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import fc from "fast-check";
import { encode } from "#core/compile/encode.ts";
import { diffModels, type GraphDiff } from "#core/diff/diff.ts";
import { noSiblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { formatOf } from "#core/formats/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Graph } from "#core/ir/graph.ts";
import { Structure } from "#core/prune/coupling/structure.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { anyChain, chainOf } from "../../support/chain.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { sourceOf } from "../formats/support.ts";

/** A file, and the file without the units; undefined where they cannot go. */
async function pruned(bytes: Uint8Array, name: string, units: Units): Promise<Pruned | undefined> {
  const format = formatOf(bytes.subarray(0, 256), name)!;
  const { model: before } = await format.read(sourceOf(bytes, name), noSiblings);
  const planned = planPrune(before!.graph, units(before!.graph));
  if ("refusal" in planned) return undefined;
  const { plan } = planned;
  const edited = await format.applyEdits(sourceOf(bytes, name), noSiblings, plan.edits);
  assert.deepEqual(edited.problems, []);
  const after = edited.model;
  await loadWeights(before!.graph);
  await loadWeights(after!.graph);
  return { before: before!, after: after!, removed: plan.removed };
}

type Units = (graph: Graph) => readonly UnitSet[];

interface Pruned {
  readonly before: Model;
  readonly after: Model;
  readonly removed: readonly UnitSet[];
}

/** Sorted by layer: the order is the diff's own. */
const bySet = (sets: readonly UnitSet[]) => [...sets].sort((a, b) => (a.layer < b.layer ? -1 : 1));

const unitsIn = (diff: GraphDiff, which: "removed" | "added"): readonly UnitSet[] =>
  diff.layers.flatMap((l) =>
    l.kind === "matched" && l.units[which].length > 0
      ? [{ layer: which === "removed" ? l.before : l.after, units: l.units[which] }]
      : [],
  );

function nothingElse(diff: GraphDiff): void {
  for (const layer of diff.layers) {
    assert.equal(layer.kind, "matched");
    if (layer.kind !== "matched") return;
    assert.equal(layer.by, "name");
    assert.deepEqual(layer.units.changed, [], layer.before);
    assert.equal(layer.units.unmatched, undefined, layer.before);
    assert.deepEqual(
      layer.changes.filter((c) => c.what !== "group"),
      [],
      layer.before,
    );
  }
}

function isThatPrune({ before, after, removed }: Pruned): void {
  const diff = diffModels(before, after);
  assert.deepEqual(bySet(unitsIn(diff, "removed")), bySet(removed));
  assert.deepEqual(unitsIn(diff, "added"), []);
  nothingElse(diff);
  assert.ok(!diff.same);
  const back = diffModels(after, before);
  assert.deepEqual(bySet(unitsIn(back, "added")), bySet(removed));
  assert.deepEqual(unitsIn(back, "removed"), []);
  nothingElse(back);
}

/** Up to half of the units of up to three layers. */
function anyUnits(graph: Graph, seed: number): readonly UnitSet[] {
  const { uniform } = random(seed);
  const layers = [...Structure.of(graph).layers.values()].filter((l) => !l.output && l.units > 1);
  const count = 1 + Math.floor(uniform() * 3);
  return Array.from({ length: count }, () => {
    const layer = layers[Math.floor(uniform() * layers.length)]!;
    const most = 1 + Math.floor((uniform() * layer.units) / 2);
    const units = new Set(Array.from({ length: most }, () => Math.floor(uniform() * layer.units)));
    return { layer: layer.name, units: [...units].sort((a, b) => a - b) };
  });
}

const PLANS = 20;

/** Of frameworks. */
const files = [
  "keras/cnn.keras",
  "keras/cnn.h5",
  "keras/residual.keras",
  "keras/separable.keras",
  "keras/nested.keras",
  "pytorchModels/cnn.script.onnx",
  "pytorchModels/depthwise.script.onnx",
  "pytorchModels/depthwise.dynamo.onnx",
  "pytorchModels/lstm.script.onnx",
  "pytorchModels/residual.dynamo.onnx",
  "pytorchModels/transformer.dynamo.onnx",
  "plans/model.script.onnx",
];

describe("the difference between a model and what is left of it", function () {
  this.timeout(60_000);

  for (const [name, make] of Object.entries(coupledGraphs))
    it(`is the units that went, however they hang together: ${name}`, async () => {
      const graph = make();
      let done = 0;
      for (let seed = 1; seed <= PLANS; seed++) {
        const made = await pruned(encode(graph), "m.onnx", (g) => anyUnits(g, seed));
        if (made === undefined) continue;
        done++;
        isThatPrune(made);
      }
      assert.ok(done >= 3, `${done} plans could be made`);
    });

  it("is the units that went, in random chains", async () => {
    const property = fc.asyncProperty(anyChain, async (spec) => {
      const { graph, removed } = chainOf(spec);
      isThatPrune((await pruned(encode(graph), "m.onnx", () => removed))!);
    });
    await fc.assert(property, { numRuns: 100, seed: 7 });
  });

  for (const file of files)
    it(`is the units that went from a file of ${file}`, async () => {
      const bytes = new Uint8Array(readFileSync(`test/fixtures/${file}`));
      let done = 0;
      for (let seed = 1; seed <= PLANS; seed++) {
        const made = await pruned(bytes, basename(file), (g) => anyUnits(g, seed));
        if (made === undefined) continue;
        done++;
        isThatPrune(made);
      }
      assert.ok(done >= 3, `${done} plans could be made`);
    });
});
