import { backward } from "../../autodiff/backward.ts";
import { type Graph, input, type Value } from "../../ir/graph.ts";
import { known, size } from "../../ir/tensor.ts";
import { abs } from "../../ops/abs.ts";
import { filled, literal } from "../../ops/literal.ts";
import { matMul } from "../../ops/matMul.ts";
import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { reduceSum } from "../../ops/reduceSum.ts";
import { reshapeTo } from "../../ops/reshape.ts";
import { sigmoid } from "../../ops/sigmoid.ts";
import { sub } from "../../ops/sub.ts";
import type { Target } from "../importance/targets.ts";
import type { Readout } from "../readout.ts";

/**
 * One run per batch: the model's inputs, the labels [B, m] (1 in the column of the sample's class) and
 * the samples' weights [1, B] → per target Σ_samples |Σ_positions a·∂L/∂a|, [1, units].
 */
export function taylorGraph(graph: Graph, read: Readout, targets: readonly Target[]): Graph {
  const shape = known(read.z.shape);
  const labels = input("labels", read.z.dtype, shape);
  const weights = input("weights", read.z.dtype, [1, shape[0]]);
  const gates = targets.map((t) => t.gate);
  const cotangent = lossDerivative(read, labels);
  const found = backward([{ output: read.z, cotangent }], gates);
  const outputs = targets.map((t) => {
    const g = found.get(t.gate);
    if (g === undefined) return filled(read.z, [1, t.units], 0);
    return matMul({}, weights, abs({}, overPositions(mul({}, t.gate, g), t, shape[0])));
  });
  return { inputs: [...graph.inputs, labels, weights], outputs };
}

/**
 * ∂L/∂z of the cross-entropy L of the labelled class: of softmax pⱼ − tⱼ, of sigmoids σ(zⱼ) − tⱼ. Written
 * as what is wrong, so that it stays precise where the model is nearly sure.
 */
function lossDerivative({ y, z, kind }: Readout, labels: Value): Value {
  const others = sub({}, literal(z, 1), labels);
  const wrong = mul({}, others, y);
  const missing =
    kind === "sigmoid" ? sigmoid({}, neg({}, z)) : reduceSum({ axes: [1], keepdims: 1 }, wrong);
  return sub({}, wrong, mul({}, labels, missing));
}

/** [B, units] */
function overPositions(product: Value, { unitsLast, units }: Target, batch: number): Value {
  const n = size(known(product.shape)) / batch / units;
  if (n === 1) return reshapeTo(product, [batch, units]);
  const apart = reshapeTo(product, unitsLast ? [batch, n, units] : [batch, units, n]);
  return reduceSum({ axes: [unitsLast ? 1 : 2], keepdims: 0 }, apart);
}
