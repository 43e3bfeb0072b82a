import { backward } from "../autodiff/backward.ts";
import { defined } from "../defined.ts";
import { constant, type Graph, input, type Value } from "../ir/graph.ts";
import { known, scalar } from "../ir/tensor.ts";
import { div } from "../ops/div.ts";
import { mul } from "../ops/mul.ts";
import { reduceSum } from "../ops/reduceSum.ts";
import { type LossKind, lossOf, type Targets } from "./loss.ts";
import { decayed, type Optimiser } from "./optimisers.ts";
import { NotTrainable, type Parameter } from "./parameters.ts";
import { type Cut, splitAt } from "./split.ts";

export interface StepOptions {
  readonly optimiser: Optimiser;
  /** λ of the penalty λ/2·|p|² on every trained parameter; 0 when absent. */
  readonly weightDecay?: number;
  /** By how the model ends, when absent. */
  readonly loss?: LossKind;
  readonly targets?: Targets;
}

/**
 * One step of training as a graph. B is the batch, Σ goes over its samples, w are their weights
 * (0 for what fills up a short batch).
 */
export interface Step {
  /** The features and what follows them. */
  readonly cut: Cut;
  readonly loss: LossKind;
  /** Parameters that the loss depends on. */
  readonly parameters: readonly Parameter[];
  /** The number of outputs that targets are for. */
  readonly outputs: number;
  /** The element type of the targets: int32 class indices, or rows of float32. */
  readonly targets: Value;
  /**
   * features…, targets, w [B], coefficients… (scalars), parameters…, slots… (of each parameter in turn)
   * → Σ w·loss, Σ w·correct (0 for a regression), parameters…, slots…
   * The parameters follow the gradient of Σ w·loss / Σ w.
   */
  readonly train: Graph;
  /** features…, targets, w, parameters… → Σ w·loss, Σ w·correct. */
  readonly evaluate: Graph;
}

/**
 * Differentiates the loss of a graph with stored weights by the parameters, and adds the optimiser.
 * Throws NotTrainable, NoLoss and NotDifferentiable.
 * @param graph bound to a batch, with its constants as they are stored (not folded)
 */
export function stepGraph(
  graph: Graph,
  trainable: readonly Parameter[],
  options: StepOptions,
): Step {
  const { optimiser, weightDecay = 0, loss: wanted, targets: form } = options;
  const cut = splitAt(graph, trainable);
  const features = cut.head.inputs.slice(0, cut.features);
  const own = cut.head.inputs.slice(cut.features);
  const loss = lossOf(cut.head, {
    ...defined({ kind: wanted, targets: form }),
  });
  if ([loss.each, ...own].some((v) => v.dtype !== "float32"))
    throw new NotTrainable("it computes in float64; export it in float32");
  const [batch] = known(loss.each.shape);
  const w = input("weights", "float32", [batch]);
  const total = (v: Value) => reduceSum({ axes: [0], keepdims: 0 }, mul({}, w, v));
  const correct = loss.correct === undefined ? constant(scalar(0)) : total(loss.correct);
  const sums = [total(loss.each), correct];
  const share = div({}, w, reduceSum({ axes: [0] }, w));
  const gradients = backward([{ output: loss.each, cotangent: share }], own);

  const coefficients = optimiser
    .coefficients(1, 1)
    .map((_, i) => input(`coefficient${i}`, "float32", []));
  const reached = trainable.flatMap((parameter, i) => {
    const gradient = gradients.get(own[i]);
    return gradient === undefined ? [] : [{ parameter, value: own[i], gradient }];
  });
  if (reached.length === 0) throw new NotTrainable("the loss does not depend on those layers");
  if (reached.length < trainable.length)
    return stepGraph(
      graph,
      reached.map((r) => r.parameter),
      options,
    );
  const updates = reached.map(({ value, gradient }) => {
    const slots = Array.from({ length: optimiser.slots }, (_, k) =>
      input(`${value.node.name}/${k}`, "float32", value.shape),
    );
    const now = optimiser.update(value, decayed(gradient, value, weightDecay), slots, coefficients);
    return { slots, now };
  });
  const values = reached.map((r) => r.value);
  return {
    cut,
    loss: loss.kind,
    parameters: reached.map((r) => r.parameter),
    outputs: loss.count,
    targets: loss.targets,
    train: {
      inputs: [
        ...features,
        loss.targets,
        w,
        ...coefficients,
        ...values,
        ...updates.flatMap((u) => u.slots),
      ],
      outputs: [
        ...sums,
        ...updates.map((u) => u.now.parameter),
        ...updates.flatMap((u) => u.now.slots),
      ],
    },
    evaluate: { inputs: [...features, loss.targets, w, ...values], outputs: sums },
  };
}
