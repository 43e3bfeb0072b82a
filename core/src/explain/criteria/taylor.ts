import { NotDifferentiable } from "../../autodiff/backward.ts";
import type { Graph, Node } from "../../ir/graph.ts";
import { float32, known } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Feed } from "../importance/compute.ts";
import { factsOf, measurable, type Refusal, type TargetFacts } from "../importance/targets.ts";
import { type Layer, layersOf } from "../layers.ts";
import { paddedInput } from "../padding.ts";
import { classifies, type Readout, readout } from "../readout.ts";
import { taylorGraph } from "./taylorGraph.ts";

/** Σ over samples of |Σ_positions a·∂L/∂a|, per target and unit. Merged by addition. */
export interface TaylorSums {
  readonly samples: number;
  readonly sums: readonly Float64Array[];
}

/**
 * What a unit is worth to the loss, to first order: the mean over samples of |Σ_positions a·∂L/∂a|, L the
 * cross-entropy of the labelled class (Molchanov et al. 2017, eq. 8, without the division by the number of
 * positions, which is the same for all units of a layer).
 */
export interface TaylorRun {
  readonly targets: readonly TargetFacts[];
  readonly refusals: readonly Refusal[];
  /** Outputs of the model: labels are below, or 0 and 1 where there is one. */
  readonly outputs: number;
  /** Rejects with ProblemError where there are no labels. */
  run(batches: AsyncIterable<Feed>): Promise<TaylorSums>;
  release(): Promise<void>;
}

/** @param wanted names of layers; all when absent */
export async function compileTaylor(
  runtime: Runtime,
  graph: Graph,
  wanted?: readonly string[],
): Promise<TaylorRun> {
  const read = readout(graph, "probabilities");
  if (!classifies(read))
    fail("bad-request", "taylor takes the loss of a classifier, and the model has one output", "");
  const layers = layersOf(graph).filter((l) => wanted === undefined || wanted.includes(l.name));
  const { built, targets, refusals } = buildable(graph, read, layers);
  const program = targets.length === 0 ? undefined : await runtime.compile(built, { reuse: true });
  const batch = known(read.z.shape)[0];
  return {
    targets: targets.map(factsOf),
    refusals,
    outputs: read.count,
    async run(batches) {
      let samples = 0;
      const sums = targets.map((t) => new Float64Array(t.units));
      for await (const feed of batches) {
        samples += feed.count;
        if (program === undefined) continue;
        const inputs = graph.inputs.map((v, i) => paddedInput(feed.inputs[i], feed.count, v));
        const results = await program.run([
          ...inputs,
          labelsOf(feed, batch, read.count),
          float32([1, batch], new Float32Array(batch).fill(1, 0, feed.count)),
        ]);
        results.forEach(({ data }, k) => {
          for (let u = 0; u < sums[k].length; u++) sums[k][u] += data[u];
        });
      }
      return { samples, sums };
    },
    release: async () => program?.release(),
  };
}

export function addTaylor(a: TaylorSums, b: TaylorSums): TaylorSums {
  b.sums.forEach((sum, k) => {
    sum.forEach((value, u) => {
      a.sums[k][u] += value;
    });
  });
  return { samples: a.samples + b.samples, sums: a.sums };
}

function labelsOf({ labels, count }: Feed, batch: number, outputs: number) {
  if (labels === undefined)
    return fail("data-mismatch", "taylor needs labels: name them with the data", "");
  const seed = new Float32Array(batch * outputs);
  for (let i = 0; i < count; i++) {
    if (outputs > 1) seed[i * outputs + labels[i]] = 1;
    else seed[i] = labels[i] > 0 ? 1 : 0;
  }
  return float32([batch, outputs], seed);
}

/** The graph for all layers but those with an operator in the way whose gradient refuses it. */
function buildable(graph: Graph, read: Readout, layers: readonly Layer[]) {
  const refused = new Map<Node, string>();
  for (;;) {
    const found = measurable(graph, layers, [read.z], refused);
    const targets = found.targets.filter((t) => t.layer !== "");
    const refusals = found.refusals.filter((r) => r.layer !== "");
    try {
      return { built: taylorGraph(graph, read, targets), targets, refusals };
    } catch (error) {
      if (!(error instanceof NotDifferentiable) || refused.has(error.node)) throw error;
      refused.set(error.node, error.message);
    }
  }
}
