import { defined } from "../defined.ts";
import { constant, constantOf, type Graph, type Node, type Value } from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { float32, type Tensor } from "../ir/tensor.ts";
import { conv } from "../ops/conv.ts";
import { type ConvTransposeAttrs, isDense } from "../ops/convTranspose.ts";

/** Below this many channels, ConvTranspose wastes less of the kernels' blocks than Conv. */
const CHANNELS = 16;

/**
 * A transposed convolution of stride 1 is a convolution with exchanged channels and rotated kernel,
 * for which runtimes have their fastest code (blocked layout). So is a depthwise one.
 */
export function rotateKernels(graph: Graph): Graph {
  return rebuild(graph, (node, inputs) => {
    if (typeof node.operator === "string" || node.operator.type !== "ConvTranspose")
      return undefined;
    return rotated(node, inputs);
  }).graph;
}

function rotated(
  node: Node,
  [x, w, b]: readonly (Value | undefined)[],
): readonly Value[] | undefined {
  const weights = constantOf(w);
  const attrs = node.attrs as ConvTransposeAttrs;
  if (weights === undefined) return undefined;
  const { pads, dilations, group = 1 } = attrs;
  const [input, output, ...kernel] = weights.shape;
  const depthwise = group === input && output === 1;
  if (!isDense(depthwise ? { ...attrs, group: 1 } : attrs)) return undefined;
  if ((depthwise ? input : Math.min(input, output)) < CHANNELS) return undefined;
  const reach = kernel.map((k, i) => (k - 1) * (dilations?.[i] ?? 1));
  const padding = [...reach, ...reach].map((r, i) => r - (pads?.[i] ?? 0));
  if (padding.some((p) => p < 0)) return undefined;
  const dilated = defined({ dilations });
  if (!depthwise) return [conv({ pads: padding, ...dilated }, x, constant(rotate(weights)), b)];
  // [1, C, k…] exchanged is [C, 1, k…]: each channel has one kernel, which is turned round.
  const turned = rotate({ ...weights, shape: [1, input, ...kernel] });
  return [conv({ pads: padding, group, ...dilated }, x, constant(turned), b)];
}

/** [I, O, k…] → [O, I, k… reversed]. */
function rotate({ shape, data }: Tensor): Tensor {
  const [inputs, outputs, ...kernel] = shape;
  const taps = kernel.reduce((a, b) => a * b, 1);
  const result = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++)
    for (let o = 0; o < outputs; o++)
      for (let t = 0; t < taps; t++)
        result[(o * inputs + i) * taps + (taps - 1 - t)] = data[(i * outputs + o) * taps + t];
  return float32([outputs, inputs, ...kernel], result);
}
