import { isConstant, type Node, type Value } from "../ir/graph.ts";
import { known, type Shape, sameShape, size } from "../ir/tensor.ts";

/** Functions of single elements that exporters write activations with. */
const ELEMENTWISE: ReadonlySet<string> = new Set(
  "Abs Add Cast Clip Div Elu Equal Erf Exp Greater GreaterOrEqual HardSigmoid Less LessOrEqual Log Max Min Mul Neg Pow Reciprocal Relu Sigmoid Softplus Softsign Sqrt Sub Tanh Where".split(
    " ",
  ),
);
const MOST_NODES = 16;

/** An activation that is written as several nodes: x·Sigmoid(x), x·(1 + Erf(x/√2))/2, … */
export interface Unitwise {
  /** What people call it, else its operators joined by "+". */
  readonly name: string;
  readonly value: Value;
}

/**
 * The value where everything that is read from `from` comes together again, when nothing but functions
 * of single elements lies between, with constants as their only other operands.
 */
export function unitwise(
  from: Value,
  uses: ReadonlyMap<Value, readonly Node[]>,
  outputs: readonly Value[],
): Unitwise | undefined {
  const inside = new Set([from]);
  const done = new Set<Node>();
  const open = (v: Value) => outputs.includes(v) || (uses.get(v) ?? []).some((n) => !done.has(n));
  const ready = () => {
    for (const v of inside)
      for (const node of uses.get(v) ?? [])
        if (!done.has(node) && isUnitwise(node, from.shape, inside)) return node;
    return undefined;
  };
  while (done.size < MOST_NODES) {
    const node = ready();
    if (node === undefined) return undefined;
    done.add(node);
    const [value] = node.outputs;
    inside.add(value);
    if ([...inside].every((v) => v === value || !open(v))) {
      const end = scaled(value, uses, outputs);
      return { name: nameOf([...done]), value: end };
    }
  }
  return undefined;
}

const typeOf = ({ operator }: Node): string =>
  typeof operator === "string" ? operator : operator.type;

function isUnitwise(node: Node, shape: Shape, inside: ReadonlySet<Value>): boolean {
  return (
    ELEMENTWISE.has(typeOf(node)) &&
    sameShape(node.outputs[0].shape, shape) &&
    node.inputs.every((v) => v === undefined || inside.has(v) || isConstant(v))
  );
}

/** "· 0.5" may stand last. */
function scaled(
  value: Value,
  uses: ReadonlyMap<Value, readonly Node[]>,
  outputs: readonly Value[],
): Value {
  const [next, ...others] = uses.get(value) ?? [];
  if (next === undefined || others.length > 0 || outputs.includes(value)) return value;
  const [a, b] = next.inputs;
  const factor = a === value ? b : a;
  const scales =
    (typeOf(next) === "Mul" || (typeOf(next) === "Div" && a === value)) &&
    factor !== undefined &&
    isConstant(factor) &&
    factor.shape.every((d) => typeof d === "number") &&
    size(known(factor.shape)) === 1;
  return scales ? next.outputs[0] : value;
}

function nameOf(nodes: readonly Node[]): string {
  const types = new Set(nodes.map(typeOf));
  const only = (...some: readonly string[]) =>
    some.every((t) => types.has(t)) &&
    [...types].every((t) => some.includes(t) || /^(Add|Mul|Div|Pow)$/.test(t));
  if (only("Erf") || only("Tanh", "Pow")) return "Gelu";
  if (only("Sigmoid", "Mul")) return "Silu";
  if (only("HardSigmoid", "Mul") || only("Clip", "Mul")) return "HardSwish";
  if (only("Softplus", "Tanh")) return "Mish";
  if (only("Max", "Mul")) return "LeakyRelu";
  return [...types].join("+");
}
