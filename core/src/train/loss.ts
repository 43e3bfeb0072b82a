import { readout } from "../explain/readout.ts";
import { constant, type Graph, input, type Value } from "../ir/graph.ts";
import { known, sameShape, type Tensor } from "../ir/tensor.ts";
import { argMax } from "../ops/argMax.ts";
import { cast } from "../ops/cast.ts";
import { equal } from "../ops/equal.ts";
import { greater } from "../ops/greater.ts";
import { literal } from "../ops/literal.ts";
import { logSoftmax } from "../ops/logSoftmax.ts";
import { mul } from "../ops/mul.ts";
import { neg } from "../ops/neg.ts";
import type { Operator } from "../ops/operator.ts";
import { reduceMean } from "../ops/reduceMean.ts";
import { reduceSum } from "../ops/reduceSum.ts";
import { reshapeTo } from "../ops/reshape.ts";
import { softplus } from "../ops/softplus.ts";
import { sub } from "../ops/sub.ts";

/**
 * - cross-entropy: −Σ_j t_j·log softmax(z)_j;
 * - binary: mean over the outputs of softplus(z) − t·z, which is −t·log σ(z) − (1 − t)·log(1 − σ(z));
 * - squared: mean over the outputs of (y − t)².
 */
export type LossKind = "cross-entropy" | "binary" | "squared";

/** Class indices (int32 [B]), or one row of the outputs' length for each sample (float32 [B, m]). */
export type Targets = "classes" | "rows";

export interface Loss {
  readonly kind: LossKind;
  /** [B], one number for each sample. */
  readonly each: Value;
  /** [B]: 1 where the largest output is the target; undefined for a regression. */
  readonly correct: Value | undefined;
  /** The input that the targets are fed to. */
  readonly targets: Value;
  /** Outputs m. */
  readonly count: number;
}

/** The model has no loss that is known here, and why. */
export class NoLoss extends Error {}

/** Operators that keep every number in its place. */
const SHAPING: ReadonlySet<string> = new Set(
  "Identity Reshape Flatten Squeeze Unsqueeze Dropout".split(" "),
);

/** Which loss belongs to how the model ends: Sigmoid, one plain number, or classes. */
export function lossKind(graph: Graph): LossKind {
  const { kind, count } = readout(ending(graph), "probabilities");
  if (kind === "sigmoid") return "binary";
  return kind === "linear" && count === 1 ? "squared" : "cross-entropy";
}

/**
 * The loss of each sample by the graph's first output, from logits where it ends in Softmax or Sigmoid,
 * so that it does not overflow.
 * @param graph bound to a batch
 */
export function lossOf(graph: Graph, options: { kind?: LossKind; targets?: Targets } = {}): Loss {
  const end = ending(graph);
  const { kind = lossKind(graph) } = options;
  const { y, z: logits, count } = readout(end, kind === "squared" ? "logits" : "probabilities");
  const z = kind === "squared" && end.outputs[0] !== y ? flatOutput(end, count) : logits;
  if (kind === "cross-entropy") oneDistribution(end, count);
  const [batch] = known(z.shape);
  const byRow = options.targets === "rows" || kind === "squared";
  const targets = byRow
    ? input("targets", "float32", [batch, count])
    : input("targets", "int32", [batch]);
  const rows = byRow ? targets : oneHot(targets, count);
  const each = lossEach(kind, z, rows);
  if (kind === "squared") return { kind, each, correct: undefined, targets, count };
  const hits =
    count === 1
      ? equal({}, cast({ to: "float32" }, greater({}, z, literal(z, 0))), rows)
      : equal({}, argMax({ axis: 1 }, z), argMax({ axis: 1 }, rows));
  const correct = reshapeTo(cast({ to: "float32" }, hits), [batch]);
  return { kind, each, correct, targets, count };
}

function lossEach(kind: LossKind, z: Value, rows: Value): Value {
  const along = { axes: [1], keepdims: 0 };
  switch (kind) {
    case "cross-entropy":
      return neg({}, reduceSum(along, mul({}, rows, logSoftmax({ axis: 1 }, z))));
    case "binary":
      return reduceMean(along, sub({}, softplus({}, z), mul({}, rows, z)));
    case "squared": {
      const off = sub({}, z, rows);
      return reduceMean(along, mul({}, off, off));
    }
  }
}

/** The graph up to its last operator that computes: what only reshapes its result is left out. */
function ending({ inputs, outputs: [output] }: Graph): Graph {
  let value = output;
  while (SHAPING.has((value.node.operator as Operator).type) && ends(value)) {
    value = value.node.inputs[0]!;
  }
  return { inputs, outputs: [value] };
}

/** Whether a Softmax or Sigmoid lies before, through nothing but reshaping. */
function ends({ node }: Value): boolean {
  const [before] = node.inputs;
  if (before === undefined || typeof before.node.operator === "string") return false;
  const { type } = before.node.operator;
  return type === "Softmax" || type === "Sigmoid" || (SHAPING.has(type) && ends(before));
}

/** Classes stand along one axis; with several, each place has classes of its own (segmentation). */
function oneDistribution({ outputs: [y] }: Graph, count: number): void {
  if (!known(y.shape).slice(1).includes(count))
    throw new NoLoss(
      `its output [${y.shape.join(", ")}] holds classes for several places of a sample`,
    );
}

/** A regression that ends in Sigmoid or Softmax: its outputs themselves. */
function flatOutput({ outputs: [y] }: Graph, count: number): Value {
  const shape = [known(y.shape)[0], count];
  return sameShape(y.shape, shape) ? y : reshapeTo(y, shape);
}

function oneHot(classes: Value, count: number): Value {
  const [batch] = known(classes.shape);
  if (count === 1) return cast({ to: "float32" }, reshapeTo(classes, [batch, 1]));
  const all: Tensor = {
    dtype: "int32",
    shape: [1, count],
    data: Int32Array.from({ length: count }, (_, j) => j),
  };
  return cast({ to: "float32" }, equal({}, reshapeTo(classes, [batch, 1]), constant(all)));
}
