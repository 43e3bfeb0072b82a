import { type Graph, input, type Node, type Value } from "../ir/graph.ts";
import { again, rebuild } from "../ir/rewrite.ts";
import { known } from "../ir/tensor.ts";
import { concat } from "../ops/concat.ts";
import type { Operator } from "../ops/operator.ts";
import { reshapeTo } from "../ops/reshape.ts";

/**
 * Makes a transposed graph take `count` cotangents at once, folded into the batch: an input
 * [B, …] among the first `cotangents` becomes [count·B, …] (cotangent-major), and so do the outputs.
 * Residuals stay [B, …]: they are broadcast over the cotangents where they meet them elementwise.
 * Undefined when some operator mixes samples, so that the fold would not be exact.
 */
export function stack(graph: Graph, cotangents: number, count: number): Graph | undefined {
  if (count === 1) return graph;
  const batch = graph.inputs[0].shape[0] as number;
  const linear = new Set<Value>();
  let exact = true;
  const wide = new Map(
    graph.inputs
      .slice(0, cotangents)
      .map((v, i) => [
        v.node,
        input(`cotangent${i}`, v.dtype, [count * batch, ...v.shape.slice(1)]),
      ]),
  );
  const { graph: stacked } = rebuild(graph, (node, inputs) => {
    const replaced = wide.get(node);
    if (replaced !== undefined) {
      linear.add(replaced);
      return [replaced];
    }
    if (!exact || !inputs.some((v) => v !== undefined && linear.has(v))) return undefined;
    // What does not lead with the batch cannot be folded into it.
    const leads = node.outputs.every((v) => v.shape[0] === batch);
    const outputs = leads ? widen(node, inputs, { linear, batch, count }) : undefined;
    if (outputs?.[0]?.shape[0] !== count * batch) {
      exact = false;
      return node.outputs;
    }
    for (const v of outputs) linear.add(v);
    return outputs;
  });
  return exact ? stacked : undefined;
}

/** Operators that treat every row of their first axis by itself. */
const ROWWISE = new Set(
  "Conv ConvTranspose MatMul Gemm Resize DepthToSpace Pad Relu Neg Identity AveragePool GlobalAveragePool".split(
    " ",
  ),
);
const ELEMENTWISE = new Set("Add Sub Mul Div Where".split(" "));

interface Fold {
  /** Values that carry the folded cotangents. */
  readonly linear: ReadonlySet<Value>;
  readonly batch: number;
  readonly count: number;
}

function widen(
  node: Node,
  inputs: readonly (Value | undefined)[],
  fold: Fold,
): readonly Value[] | undefined {
  const { linear, batch, count } = fold;
  const operator = node.operator as Operator;
  if (ELEMENTWISE.has(operator.type)) return elementwise(node, inputs, fold);
  const attrs = node.attrs as {
    axes?: readonly number[];
    axis?: number;
    perm?: readonly number[];
    transA?: number;
  };
  const rank = inputs[0]?.shape.length ?? 0;
  switch (operator.type) {
    case "Reshape":
      return [reshapeTo(inputs[0]!, scaleLeading(known(node.outputs[0].shape), batch, count))];
    case "Expand": {
      const shape = scaleLeading(known(node.outputs[0].shape), batch, count);
      return [operator.node({ shape }, inputs).outputs[0]];
    }
    case "Transpose":
      return attrs.perm?.[0] === 0 ? again(node, inputs).outputs : undefined;
    case "ReduceSum":
    case "Slice":
      return attrs.axes !== undefined && !attrs.axes.some((a) => a === 0 || a === -rank)
        ? again(node, inputs).outputs
        : undefined;
    case "CumSum":
      return attrs.axis !== 0 && attrs.axis !== -rank ? again(node, inputs).outputs : undefined;
    case "Concat":
      return attrs.axis !== 0 && inputs.every((v) => linear.has(v!))
        ? again(node, inputs).outputs
        : undefined;
    default: {
      if (!ROWWISE.has(operator.type) || attrs.transA === 1) return undefined;
      if (operator.type === "MatMul" && node.outputs[0].shape.length > 2)
        return product(node, inputs, fold);
      // As weights, or on the right of a matrix product, samples are summed over.
      if (inputs.slice(1).some((v) => v !== undefined && linear.has(v))) return undefined;
      return again(node, inputs).outputs;
    }
  }
}

/** A stack of matrix products, one or more for each sample. */
function product(
  node: Node,
  inputs: readonly (Value | undefined)[],
  { linear, batch, count }: Fold,
): readonly Value[] | undefined {
  const rank = node.outputs[0].shape.length;
  if (inputs.some((v) => linear.has(v!) && v!.shape.length !== rank)) return undefined;
  const perSample = (v: Value) => !linear.has(v) && v.shape.length === rank && v.shape[0] === batch;
  const tiled = inputs.map((v) => (perSample(v!) ? tile(v!, count) : v));
  return again(node, tiled).outputs;
}

function elementwise(
  node: Node,
  inputs: readonly (Value | undefined)[],
  { linear, batch, count }: Fold,
): readonly Value[] | undefined {
  const rank = node.outputs[0].shape.length;
  if (inputs.some((v) => linear.has(v!) && v!.shape.length !== rank)) return undefined;
  const carriesBatch = (v: Value) => v.shape.length === rank && v.shape[0] === batch;
  if (!inputs.some((v) => !linear.has(v!) && carriesBatch(v!))) return again(node, inputs).outputs;
  // [count·B, …] meets [B, …]: as [count, B, …] and [1, B, …].
  const opened = inputs.map((v) => {
    const rest = known(v!.shape).slice(1);
    if (linear.has(v!)) return reshapeTo(v!, [count, batch, ...rest]);
    return carriesBatch(v!) ? reshapeTo(v!, [1, batch, ...rest]) : v;
  });
  const result = again(node, opened).outputs[0];
  const [, , ...rest] = known(result.shape);
  return [reshapeTo(result, [count * batch, ...rest])];
}

const tile = (v: Value, count: number): Value =>
  concat({ axis: 0 }, ...new Array<Value>(count).fill(v));

function scaleLeading(shape: readonly number[], batch: number, count: number): readonly number[] {
  return shape[0] % batch === 0 ? [shape[0] * count, ...shape.slice(1)] : shape;
}
