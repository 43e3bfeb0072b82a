import { blocked } from "../../autodiff/blocked.ts";
import { consumers, type Graph, type Node, topological, type Value } from "../../ir/graph.ts";
import { isFloat, known, size } from "../../ir/tensor.ts";
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
  /** Why there are no derivatives: only its activations are measured. */
  readonly refused?: string;
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

/** A layer whose importance cannot be computed, and why. */
export interface Refusal {
  /** "" for the model's input. */
  readonly layer: string;
  readonly op: string;
  readonly because: string;
}

export interface Measurable {
  readonly targets: readonly Target[];
  readonly refusals: readonly Refusal[];
  /** The refused layers whose activations can be measured all the same. */
  readonly watched: readonly Target[];
}

/**
 * One target per layer, and the model's first input: those that the explained values depend on through
 * operators with a gradient. Layers behind an operator without one are measured all the same.
 * @param explained y and z
 * @param refusedNodes nodes whose gradient does not cover them, and what was said
 */
export function measurable(
  graph: Graph,
  layers: readonly Layer[],
  explained: readonly Value[],
  refusedNodes: ReadonlyMap<Node, string> = new Map(),
): Measurable {
  const inTheWay = blocked(explained, new Set(refusedNodes.keys()));
  const targets: Target[] = [];
  const refusals: Refusal[] = [];
  const watched: Target[] = [];
  const all = targetsOf(graph, layers);
  const behind = new Set(topological(explained));
  for (const target of all) {
    const at = inTheWay.get(target.value);
    const because =
      (at && refusedNodes.get(at)) ?? refused(target, at, behind.has(target.value.node));
    if (because === undefined) targets.push(target);
    else refuse(target, because, refusals, watched);
  }
  return { targets, refusals, watched };
}

/** What can be measured where no output is known: activations. */
export function watchable(graph: Graph, layers: readonly Layer[], because: string): Measurable {
  const refusals: Refusal[] = [];
  const watched: Target[] = [];
  for (const target of targetsOf(graph, layers)) refuse(target, because, refusals, watched);
  return { targets: [], refusals, watched };
}

function refuse(target: Target, because: string, refusals: Refusal[], watched: Target[]): void {
  refusals.push({ layer: target.layer, op: target.op, because });
  if (target.layer !== "" && target.value.dtype === "float32")
    watched.push({ ...target, refused: because });
}

function refused({ value }: Target, node: Node | undefined, reaches: boolean): string | undefined {
  if (!isFloat(value.dtype)) return `its values are ${value.dtype}, which has no derivative`;
  if (node !== undefined) return `${typeOf(node)} ${node.name} has no gradient`;
  return reaches ? undefined : "the explained output does not depend on it";
}

/** One target per layer, and the model's first input. */
function targetsOf(graph: Graph, layers: readonly Layer[]): readonly Target[] {
  const uses = consumers(graph);
  const x = graph.inputs[0];
  const batch = known(x.shape)[0];
  const own = layers.map((layer): Target => {
    const { name, activation, axis, units, output, node } = layer;
    const whole = known(activation.shape);
    // Sequences that lead with time run sample by sample: the whole tensor is the sample.
    const shape = whole[0] === batch ? whole.slice(1) : whole;
    return {
      layer: name,
      op: typeOf(node),
      units,
      elements: size(whole) / batch,
      unitsLast: axis === whole.length - 1,
      output,
      shape,
      value: activation,
      gate: pooled(activation, axis, uses),
    };
  });
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
