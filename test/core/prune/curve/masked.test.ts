import assert from "node:assert/strict";
import fc from "fast-check";
import type { Feed } from "#core/explain/importance/compute.ts";
import { readout } from "#core/explain/readout.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { float32, type Tensor } from "#core/ir/tensor.ts";
import { unitGroups } from "#core/prune/coupling/groups.ts";
import { addCounts, compileMasked, type MaskedCounts } from "#core/prune/curve/evaluate.ts";
import { maskable, type Removal } from "#core/prune/curve/maskable.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune } from "#core/prune/plan.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { normal } from "../../../support/build.ts";
import { anyChain, chainOf } from "../../../support/chain.ts";
import { coupledGraphs } from "../../../support/coupled.ts";
import { referenceRuntime } from "../../../support/referenceRuntime.ts";

const BATCH = 4;

describe("masked evaluation of many removals at once", () => {
  for (const [name, make] of Object.entries(coupledGraphs))
    it(`classifies every sample as maskUnits does: ${name}`, async () => {
      const graph = make();
      await assertSame(graph, randomRemovals(graph, 6, 7), 2);
    });

  it("classifies every sample as maskUnits does, on random chains", async () => {
    const property = fc.asyncProperty(anyChain, fc.nat(1000), async (spec, seed) => {
      const { graph } = chainOf(spec);
      await assertSame(graph, randomRemovals(graph, 4, seed), 1);
    });
    await fc.assert(property, { numRuns: 40, seed: 11 });
  });

  it("sets elements of the input to 0", async () => {
    const { graph } = chainOf(fc.sample(anyChain, { numRuns: 1, seed: 3 })[0]!);
    const inputs = Array.from({ length: 70 }, (_, i) => i);
    const units = unitGroups(graph).groups[0]!.members;
    const planned = planPrune(graph, units);
    assert.ok("plan" in planned);
    const { masks } = planned.plan;
    const removals = [
      { masks: [], inputs },
      { masks: [], inputs: [] },
      { masks, inputs },
      { masks, inputs: [5] },
    ];
    await assertSame(graph, removals, 3);
  });

  it("joins the forms of removals that begin at many places, and keeps them right", async () => {
    const graph = coupledGraphs.dense!();
    const removals = unitGroups(graph).groups.map(({ members }): Removal => {
      const planned = planPrune(graph, members);
      assert.ok("plan" in planned);
      return { masks: planned.plan.masks, inputs: [] };
    });
    const { forms } = maskable(graph, removals);
    assert.equal(forms.length, 4);
    assert.deepEqual(
      forms.flatMap((f) => f.removals).sort((a, b) => a - b),
      removals.map((_, i) => i),
    );
    await assertSame(graph, removals, 1);
  });

  it("computes what comes before the first mask once", async () => {
    const graph = coupledGraphs.mobile!();
    const planned = planPrune(graph, [{ layer: "twice", units: [0, 1] }]);
    assert.ok("plan" in planned);
    const removals = [{ masks: planned.plan.masks, inputs: [] }];
    const { graph: wide, places } = maskable(graph, removals);
    const bound = bindBatch(wide, BATCH);
    assert.ok(bound.kind === "bound");
    const compiled: string[][] = [];
    const counting = {
      ...referenceRuntime,
      compile: (g: Graph) => {
        compiled.push(convolutions(g));
        return referenceRuntime.compile(g);
      },
    };
    await compileMasked(counting, bound.graph, maskable(graph, removals));
    assert.equal(places.length, 1);
    const [suffix, prefix] = compiled;
    assert.deepEqual(suffix, ["project"]);
    // The whole model is run as it is, for the accuracy to compare with.
    assert.ok(prefix!.includes("twice") && prefix!.includes("project"));
  });
});

const convolutions = (g: Graph): string[] => {
  const seen = new Set<string>();
  const visit = (outputs: Graph["outputs"]): void => {
    for (const { node } of outputs) {
      const key = typeof node.operator !== "string" && node.operator.type === "Conv";
      if (key) seen.add(node.name);
      visit(node.inputs.filter((v) => v !== undefined));
    }
  };
  visit(g.outputs);
  return [...seen];
};

/** Some groups each, and an empty one. */
function randomRemovals(graph: Graph, count: number, seed: number): readonly Removal[] {
  const dice = random(seed);
  const { groups } = unitGroups(graph);
  const removals: Removal[] = [{ masks: [], inputs: [] }];
  for (let tries = 0; removals.length <= count && tries < 20 * count; tries++) {
    const some = groups.filter(() => dice.uniform() < 0.4);
    const planned = planPrune(graph, unitsOf(some));
    if (some.length > 0 && "plan" in planned)
      removals.push({ masks: planned.plan.masks, inputs: [] });
  }
  return removals;
}

/** The logits of the graph with one removal, by the definition: maskUnits, and zeros in the input. */
function expectedLogits(graph: Graph, { masks, inputs }: Removal, x: Tensor): Tensor {
  const masked = maskUnits(graph, masks);
  const bound = bindBatch(masked, x.shape[0]!);
  assert.ok(bound.kind === "bound");
  const data = Float32Array.from(x.data);
  const each = data.length / x.shape[0]!;
  for (let n = 0; n < x.shape[0]!; n++) for (const i of inputs) data[n * each + i] = 0;
  const { z } = readout(bound.graph, "logits");
  return evaluate([z], new Map([[bound.graph.inputs[0]!, float32(x.shape, data)]]))[0]!;
}

function largestOf({ data, shape }: Tensor, n: number): number {
  const classes = shape[1]!;
  const row = Array.from(data.subarray(n * classes, (n + 1) * classes));
  return classes === 1 ? Number(row[0]! > 0) : row.indexOf(Math.max(...row));
}

/**
 * The logits of every run of a masked part are those of maskUnits; and so are the counts, with the labels
 * that one of the removals gives. The last batch is short.
 */
async function assertSame(graph: Graph, removals: readonly Removal[], batches: number) {
  const layout = maskable(graph, removals);
  const bound = bindBatch(layout.graph, BATCH);
  assert.ok(bound.kind === "bound");
  const { runtime, results } = recording();
  const run = await compileMasked(runtime, bound.graph, layout);
  const count = BATCH * batches - 1;
  const [, ...sample] = bound.graph.inputs[0]!.shape as number[];
  const x = normal([count, ...sample], 5);
  const none = expectedLogits(graph, { masks: [], inputs: [] }, x);
  const logits = removals.map((r) => expectedLogits(graph, r, x));
  const moved = logits.filter((z) => distance(z, none, 0, count) > 1e-3).length;
  assert.ok(moved >= (removals.length - 1) / 2, "the removals make a difference");
  const last = logits.at(-1)!;
  const samples = Array.from({ length: count }, (_, n) => n);
  const labels = Int32Array.from(samples, (n) => largestOf(last, n));
  const found: MaskedCounts[] = [];
  for (const feed of feeds(x, labels)) {
    results.length = 0;
    found.push(await run.run(stream(feed)));
    const order = layout.forms.flatMap((f) => f.removals);
    // The first result is the shared part's.
    assert.equal(results.length, 1 + order.length);
    order.forEach((r, k) => {
      assert.ok(distance(logits[r]!, results[1 + k]![0]!, feed.from, feed.count) < 1e-6);
    });
  }
  const agree = (z: Tensor) => samples.filter((n) => largestOf(z, n) === labels[n]).length;
  assert.deepEqual(found.reduce(addCounts), {
    labelled: count,
    baseline: agree(none),
    correct: logits.map(agree),
  });
}

/** Largest difference of samples of one from the first samples of the other. */
function distance(all: Tensor, some: Tensor, from: number, count: number): number {
  const classes = all.shape[1]!;
  let largest = 0;
  for (let i = 0; i < count * classes; i++)
    largest = Math.max(largest, Math.abs(all.data[from * classes + i]! - some.data[i]!));
  return largest;
}

/** The reference runtime, with the results of all runs. */
function recording(): { runtime: Runtime; results: (readonly Tensor[])[] } {
  const results: (readonly Tensor[])[] = [];
  const compile: Runtime["compile"] = async (graph) => {
    const program = await referenceRuntime.compile(graph);
    return {
      ...program,
      run: async (inputs) => {
        const result = await program.run(inputs);
        results.push(result);
        return result;
      },
    };
  };
  return { runtime: { ...referenceRuntime, compile }, results };
}

function feeds(x: Tensor, labels: Int32Array): readonly Feed[] {
  const each = x.data.length / labels.length;
  const batches = Array.from({ length: Math.ceil(labels.length / BATCH) }, (_, i) => i * BATCH);
  return batches.map((from) => {
    const to = Math.min(from + BATCH, labels.length);
    const inputs = [Float32Array.from(x.data.subarray(from * each, to * each))];
    return { from, count: to - from, inputs, labels: labels.slice(from, to) };
  });
}

async function* stream(feed: Feed): AsyncIterable<Feed> {
  yield feed;
}
