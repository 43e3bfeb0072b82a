import { type Readout, readout } from "#core/explain/readout.ts";
import type { Graph } from "#core/ir/graph.ts";
import { isFloat } from "#core/ir/tensor.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { type Maskable, maskable, type Removal } from "#core/prune/curve/maskable.ts";
import { INPUTS } from "#core/prune/curve/order.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import { planPrune } from "#core/prune/plan.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { type Bound, bound } from "./bound.ts";

export interface MaskingParams {
  readonly model: string;
  /** What is masked together, with all that is coupled with it; the layer "" is the model's input. */
  readonly sets: readonly (readonly LayerUnits[])[];
  readonly batch?: number;
  /** With which exactly redundant units are made up for instead of masked. */
  readonly exact?: ExactOptions;
}

/** A model whose masks are inputs, bound to a batch. */
export interface Masking extends Bound {
  readonly layout: Maskable;
  /** The model as it is. */
  readonly plain: Graph;
  readonly read: Readout;
}

/**
 * Reads a model for running without sets of units: see core/prune/curve.
 * @param forms at most; as many as pay off when absent
 */
export async function masking(
  { model, sets, batch, exact }: MaskingParams,
  forms?: number,
): Promise<Masking> {
  let layout: Maskable | undefined;
  const read = await bound(model, batch, (graph) => {
    layout = maskable(graph, removals(graph, { sets, model, exact }), forms);
    return layout.graph;
  });
  const { inputs, outputs } = read.graph;
  const { places } = layout!;
  const plain = {
    inputs: inputs.slice(0, inputs.length - places.length),
    outputs: outputs.slice(0, 1),
  };
  return { ...read, layout: layout!, plain, read: readout(plain, "probabilities") };
}

/** What each set masks in the graph. */
function removals(
  graph: Graph,
  { sets, model, exact }: Omit<MaskingParams, "exact"> & { exact: ExactOptions | undefined },
): readonly Removal[] {
  return sets.map((set) => {
    const inputs = set.flatMap(({ layer, units }) => (layer === INPUTS ? units : []));
    if (inputs.length > 0) checkInputs(graph, inputs, model);
    const units = set.filter((s) => s.layer !== INPUTS && s.units.length > 0);
    if (units.length === 0) return { masks: [], inputs };
    const planned = planPrune(graph, units, exact);
    if ("plan" in planned) return { masks: planned.plan.masks, inputs };
    const { because, at } = planned.refusal;
    return fail("cannot-prune", because, model, at);
  });
}

function checkInputs({ inputs }: Graph, indices: readonly number[], model: string): void {
  const [x, ...others] = inputs;
  if (x === undefined || others.length > 0 || !isFloat(x.dtype))
    throw new ProblemError(
      problem("bad-request", "elements of one floating-point input can be removed", model),
    );
  let elements = 1;
  for (const d of x.shape.slice(1)) {
    if (typeof d === "string")
      fail(
        "unreadable-model",
        `its input ${x.node.name} is [${x.shape.join(", ")}]: ${d} can be any length; export it with a fixed one`,
        model,
      );
    elements *= d;
  }
  const bad = indices.find((i) => !Number.isInteger(i) || i < 0 || i >= elements);
  if (bad !== undefined)
    fail("bad-request", `there is no input ${bad}: it has 0 to ${elements - 1}`, model);
}
