import { consumers, type Graph, type Node, type Value } from "../../ir/graph.ts";
import { known, size } from "../../ir/tensor.ts";
import { type Layer, typeOf } from "../layers.ts";

/** What the sums over a target mean: plain data. */
export interface TargetFacts {
  /** "" for the model's input. */
  readonly layer: string;
  /** ONNX operator of the layer; "" for the input. */
  readonly op: string;
  readonly units: number;
  /** Elements per sample: [units, positions], or [positions, units] when `unitsLast`. */
  readonly elements: number;
  readonly unitsLast: boolean;
  /** The units are the outputs of the model. */
  readonly output: boolean;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** A value whose units' derivatives are measured. */
export interface Target extends TargetFacts {
  readonly value: Value;
  /**
   * Where the gate derivative Σ_positions a·∂y/∂a is measured: `value`, or further on where fewer
   * elements give the same sum.
   */
  readonly gate: Value;
}

/** One target per layer, and the model's first input. */
export function targetsOf(graph: Graph, layers: readonly Layer[]): readonly Target[] {
  const uses = consumers(graph);
  const own = layers.map((layer): Target => {
    const { name, activation, axis, units, output, node } = layer;
    const shape = known(activation.shape).slice(1);
    return {
      layer: name,
      op: typeOf(node),
      units,
      elements: size(shape),
      unitsLast: axis === shape.length,
      output,
      shape,
      value: activation,
      gate: pooled(activation, axis, uses),
    };
  });
  const x = graph.inputs[0];
  const shape = known(x.shape).slice(1);
  const units = size(shape);
  const input = {
    layer: "",
    op: "",
    units,
    elements: units,
    unitsLast: false,
    output: false,
    shape,
  };
  return [{ ...input, value: x, gate: x }, ...own];
}

/** The plain part, for another process. */
export function factsOf({ value: _value, gate: _gate, ...facts }: Target): TargetFacts {
  return facts;
}

/** Operators p with p(c·a) = c·p(a), c > 0, channel by channel: then Σ a·∂y/∂a = Σ p·∂y/∂p (Euler). */
const HOMOGENEOUS = new Set(
  "MaxPool AveragePool GlobalAveragePool Relu Identity Dropout".split(" "),
);

function pooled(value: Value, axis: number, uses: ReadonlyMap<Value, readonly Node[]>): Value {
  if (axis !== 1) return value;
  const [next, ...others] = uses.get(value) ?? [];
  if (next === undefined || others.length > 0 || !HOMOGENEOUS.has(typeOf(next))) return value;
  return pooled(next.outputs[0], axis, uses);
}

/** The unit that an element of a target belongs to. */
export function unitOf({ unitsLast, units, elements }: TargetFacts): (element: number) => number {
  if (unitsLast) return (e) => e % units;
  const positions = elements / units;
  return (e) => Math.floor(e / positions);
}
