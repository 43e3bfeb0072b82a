import { constant, constantOf, type Node, topological, type Value } from "../ir/graph.ts";
import { again } from "../ir/rewrite.ts";
import { float32, known, size, type Tensor } from "../ir/tensor.ts";
import { conv } from "../ops/conv.ts";
import { type ConvTransposeAttrs, isDense } from "../ops/convTranspose.ts";
import { mul } from "../ops/mul.ts";
import type { Operator } from "../ops/operator.ts";
import { reshapeTo } from "../ops/reshape.ts";
import type { ResizeAttrs } from "../ops/resize.ts";
import { blockOf, channelAt, fromPhases, type Phases, phasedShape, toPhases } from "./phases.ts";

/** A derivative, in whatever layout is fastest. */
export interface Derivative {
  readonly value: Value;
  /** The layout of `value`; absent: plain. */
  readonly phases?: Phases;
}

/** Convolutions with fewer channels than this on either side waste the runtimes' blocked kernels. */
const NARROW = 16;

/**
 * Rewrites the backward pass of narrow convolutional nets into polyphase form. Max-pool's cotangent is
 * upsampled and masked; upsampling is then a broadcast over phases, and the transposed convolution
 * becomes a convolution with b² times the channels on maps b² times smaller: the same sums, where the
 * kernels are fast. Phases go from layer to layer; masks change layout once per batch, in the primal.
 * @param linear values that depend on a cotangent
 */
export function polyphase(derivatives: readonly Value[], linear: ReadonlySet<Value>): Derivative[] {
  const order = topological(derivatives);
  const narrow = feedsNarrow(order, linear);
  const done = new Map<Value, Derivative>();
  const plain = (v: Value): Value => {
    const d = done.get(v);
    if (d === undefined) return v;
    return d.phases === undefined ? d.value : fromPhases(d.value, d.phases);
  };
  for (const node of order) {
    if (!linear.has(node.outputs[0])) continue;
    const special = rewrite(node, narrow, linear, (v) => done.get(v) ?? { value: v });
    if (special !== undefined) done.set(node.outputs[0], special);
    else {
      const now = again(
        node,
        node.inputs.map((v) => (v === undefined ? undefined : plain(v))),
      );
      node.outputs.forEach((old, i) => {
        done.set(old, { value: now.outputs[i] });
      });
    }
  }
  return derivatives.map((v) => done.get(v) ?? { value: v });
}

const typeOf = (node: Node): string => (node.operator as Operator).type;

/** Values that reach a narrow transposed convolution through nothing but masks and upsampling. */
function feedsNarrow(order: readonly Node[], linear: ReadonlySet<Value>): ReadonlySet<Value> {
  const feeds = new Set<Value>();
  for (const node of [...order].reverse()) {
    if (!linear.has(node.outputs[0])) continue;
    const type = typeOf(node);
    const passes = (type === "Mul" || type === "Resize") && feeds.has(node.outputs[0]);
    if (!passes && !isNarrow(node)) continue;
    for (const v of node.inputs) if (v !== undefined && linear.has(v)) feeds.add(v);
  }
  return feeds;
}

function isNarrow(node: Node): boolean {
  if (typeOf(node) !== "ConvTranspose") return false;
  const weights = constantOf(node.inputs[1]);
  const attrs = node.attrs as ConvTransposeAttrs;
  return (
    weights !== undefined &&
    weights.shape.length === 4 &&
    Math.min(weights.shape[0], weights.shape[1]) < NARROW &&
    isDense(attrs) &&
    (attrs.dilations?.every((d) => d === 1) ?? true) &&
    node.inputs[2] === undefined
  );
}

type Lookup = (v: Value) => Derivative;

function rewrite(
  node: Node,
  narrow: ReadonlySet<Value>,
  linear: ReadonlySet<Value>,
  get: Lookup,
): Derivative | undefined {
  switch (typeOf(node)) {
    case "Mul":
      return masked(node, narrow, linear, get);
    case "ConvTranspose":
      return convolved(node, get);
    default:
      return undefined;
  }
}

/** mask × x and mask × upsampled x, x in phases. */
function masked(
  node: Node,
  narrow: ReadonlySet<Value>,
  linear: ReadonlySet<Value>,
  get: Lookup,
): Derivative | undefined {
  const [a, b] = node.inputs as [Value, Value];
  const [x, mask] = linear.has(a) ? [a, b] : [b, a];
  if (linear.has(mask) || x.shape.join() !== mask.shape.join() || x.shape.length !== 4)
    return undefined;
  const shape = known(node.outputs[0].shape);
  const factor = narrow.has(node.outputs[0]) ? upsampling(x) : undefined;
  if (factor === undefined) {
    const { value, phases } = get(x);
    return phases && { value: mul({}, value, toPhases(mask, phases)), phases };
  }
  const from = get(x.node.inputs[0]!);
  const coarse = from.phases?.factors ?? [];
  const phases: Phases = { factors: [...coarse, factor], shape };
  const batch = shape[0];
  const each = size(known(from.value.shape).slice(1));
  const product = mul(
    {},
    reshapeTo(from.value, [batch, 1, each]),
    reshapeTo(toPhases(mask, phases), [batch, factor * factor, each]),
  );
  return { value: reshapeTo(product, [batch, ...phasedShape(phases)]), phases };
}

/** The factor, when the value is rows and columns repeated equally often. */
function upsampling({ node }: Value): number | undefined {
  if (node.operator === "input" || node.operator === "constant" || typeOf(node) !== "Resize")
    return undefined;
  const attrs = node.attrs as ResizeAttrs;
  if (attrs.mode !== undefined) return undefined;
  const [n, c, h, w] = attrs.scales;
  return n === 1 && c === 1 && h === w && h > 1 ? h : undefined;
}

/**
 * A transposed convolution of phases: out[r·b+p] = Σ_a x[r·b+p − a + pad]·W[a] takes phase p' of block
 * r − t where a = t·b + p − p' + pad: a convolution over blocks with one kernel tap per t.
 */
function convolved(node: Node, get: Lookup): Derivative | undefined {
  const { value, phases } = get(node.inputs[0]!);
  if (phases === undefined || !isNarrow(node)) return undefined;
  const weights = constantOf(node.inputs[1])!;
  const shape = known(node.outputs[0].shape);
  const b = blockOf(phases);
  if (shape[2] % b !== 0 || shape[3] % b !== 0) return undefined;
  const to: Phases = { factors: phases.factors, shape };
  const { pads = [0, 0, 0, 0] } = node.attrs as ConvTransposeAttrs;
  const taps = [0, 1].map((d) => {
    const [k, p] = [weights.shape[2 + d], pads[d]];
    return {
      first: Math.ceil((-p - (b - 1)) / b) + 0,
      last: Math.floor((k - 1 - p + (b - 1)) / b),
    };
  });
  const after = taps.map(({ first, last }, d) => {
    const blocks = (s: readonly number[]) => s[2 + d] / b;
    return blocks(shape) - blocks(phases.shape) - last + (last - first);
  });
  const padding = [...taps.map((t) => t.last), ...after];
  if (padding.some((p) => p < 0)) return undefined;
  const kernel = phasedKernel(weights, phases, to, taps, pads);
  return { value: conv({ pads: padding }, value, constant(kernel)), phases: to };
}

interface Taps {
  readonly first: number;
  readonly last: number;
}

/** [b²·O, b²·I, taps, taps] from [I, O, k, k]. */
function phasedKernel(
  { shape: [inputs, outputs, kh, kw], data }: Tensor,
  from: Phases,
  to: Phases,
  [rows, columns]: readonly Taps[],
  pads: readonly number[],
): Tensor {
  const b = blockOf(from);
  const [height, width] = [rows, columns].map(({ first, last }) => last - first + 1);
  const result = new Float32Array(b ** 4 * inputs * outputs * height * width);
  const pairs = Array.from({ length: b * b }, (_, i) => [Math.floor(i / b), i % b]);
  for (const [p, q] of pairs)
    for (const [p0, q0] of pairs)
      for (let t = rows.first; t <= rows.last; t++)
        for (let u = columns.first; u <= columns.last; u++) {
          const y = t * b + p - p0 + pads[0];
          const x = u * b + q - q0 + pads[1];
          if (y < 0 || y >= kh || x < 0 || x >= kw) continue;
          for (let i = 0; i < inputs; i++)
            for (let o = 0; o < outputs; o++) {
              const at = channelAt(to, p, q, o) * b * b * inputs + channelAt(from, p0, q0, i);
              result[(at * height + rows.last - t) * width + columns.last - u] =
                data[((i * outputs + o) * kh + y) * kw + x];
            }
        }
  return float32([b * b * outputs, b * b * inputs, height, width], result);
}
