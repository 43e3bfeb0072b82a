import fc from "fast-check";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32, int64, size } from "#core/ir/tensor.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import { image, normalisation, op, weights } from "./build.ts";

interface ConvBlock {
  readonly units: number;
  readonly kernel: number;
  readonly bias: boolean;
  readonly norm: boolean;
  readonly activation: string;
  readonly pool: string;
}

interface DenseBlock {
  readonly units: number;
  readonly kind: "Gemm" | "Gemm transB" | "MatMul" | "MatMul Add";
  readonly activation: string;
}

/** What a random chain is made of; plain data, so that a failing one can be read. */
export interface ChainSpec {
  readonly convs: readonly ConvBlock[];
  readonly denses: readonly DenseBlock[];
  readonly bridge: string;
  readonly softmax: boolean;
  readonly picks: readonly (readonly number[])[];
}

export interface Chain {
  readonly graph: Graph;
  /** At least one unit of every layer but the last. */
  readonly removed: readonly UnitSet[];
}

const activation = fc.constantFrom("", "Relu", "Sigmoid", "Tanh", "Clip");
const convBlock: fc.Arbitrary<ConvBlock> = fc.record({
  units: fc.integer({ min: 2, max: 5 }),
  kernel: fc.constantFrom(1, 3),
  bias: fc.boolean(),
  norm: fc.boolean(),
  activation,
  pool: fc.constantFrom("", "MaxPool", "AveragePool"),
});
const denseBlock: fc.Arbitrary<DenseBlock> = fc.record({
  units: fc.integer({ min: 2, max: 6 }),
  kind: fc.constantFrom("Gemm", "Gemm transB", "MatMul", "MatMul Add"),
  activation,
});

/** A random chain of the kind that can be pruned. */
export const anyChain: fc.Arbitrary<ChainSpec> = fc.record({
  convs: fc.array(convBlock, { maxLength: 2 }),
  denses: fc.array(denseBlock, { minLength: 1, maxLength: 2 }),
  bridge: fc.constantFrom("Flatten", "Reshape -1", "Reshape n", "GlobalAveragePool"),
  softmax: fc.boolean(),
  picks: fc.array(fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }), {
    minLength: 4,
    maxLength: 4,
  }),
});

export function chainOf({ convs, denses, bridge, softmax, picks }: ChainSpec): Chain {
  const x = image("N", 2, 8, 8);
  let value: Value = x;
  const layers: { layer: string; units: number }[] = [];
  convs.forEach((block, i) => {
    layers.push({ layer: `conv${i + 1}`, units: block.units });
    value = conv(value, block, `conv${i + 1}`, 10 * i);
  });
  value = flatten(value, bridge);
  denses.forEach((block, i) => {
    layers.push({ layer: `fc${i + 1}`, units: block.units });
    value = dense(value, block, `fc${i + 1}`, 100 + 10 * i);
  });
  value = dense(value, { units: 3, kind: "Gemm transB", activation: "" }, "head", 200);
  const y = softmax ? op("Softmax", { axis: 1 }, [value]) : value;
  const removed = layers.map(({ layer, units }, i) => {
    const some = new Set(picks[i]!.map((u) => u % units));
    if (some.size === units) some.delete(0);
    return { layer, units: [...some].sort((a, b) => a - b) };
  });
  return { graph: { inputs: [x], outputs: [y] }, removed };
}

function conv(x: Value, block: ConvBlock, name: string, seed: number): Value {
  const channels = x.shape[1] as number;
  const { units, kernel, bias, norm, pool } = block;
  const w = weights([units, channels, kernel, kernel], seed, `${name}.weight`);
  const b = bias ? weights([units], seed + 1, `${name}.bias`) : undefined;
  let y = op("Conv", kernel === 3 ? { pads: [1, 1, 1, 1] } : {}, [x, w, b], name);
  if (norm)
    y = op("BatchNormalization", {}, [y, ...normalisation(units, seed + 2, `${name}_bn`)], "");
  y = activate(y, block.activation);
  return pool === "" ? y : op(pool, { kernel_shape: [2, 2], strides: [2, 2] }, [y]);
}

function flatten(x: Value, bridge: string): Value {
  const pooled = bridge === "GlobalAveragePool" ? op(bridge, {}, [x]) : x;
  const rest = size(pooled.shape.slice(1) as number[]);
  if (!bridge.startsWith("Reshape")) return op("Flatten", { axis: 1 }, [pooled]);
  const target = int64([2], [0, bridge === "Reshape n" ? rest : -1]);
  return op("Reshape", {}, [pooled, constant(target, "target")]);
}

function dense(x: Value, { units, kind, activation }: DenseBlock, name: string, seed: number) {
  const inputs = x.shape[1] as number;
  const transB = kind === "Gemm transB";
  const w = weights(transB ? [units, inputs] : [inputs, units], seed, `${name}.weight`);
  const b = weights([units], seed + 1, `${name}.bias`);
  const type = kind.startsWith("Gemm") ? "Gemm" : "MatMul";
  const attrs = transB ? { transB: 1 } : {};
  const y = op(type, attrs, type === "Gemm" ? [x, w, b] : [x, w], name);
  return activate(kind === "MatMul Add" ? op("Add", {}, [y, b]) : y, activation);
}

function activate(x: Value, type: string): Value {
  if (type === "") return x;
  const bounds = [-0.5, 0.7].map((v) => constant(float32([], [v])));
  return op(type, {}, type === "Clip" ? [x, ...bounds] : [x]);
}
