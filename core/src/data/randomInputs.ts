import { consumers, type Graph, type Node, type Value } from "../ir/graph.ts";
import { isFloat, known, size, type Tensor, typed } from "../ir/tensor.ts";
import { random } from "../random.ts";

/**
 * Seeded inputs for a graph whose shapes are known, where there are no data: standard normal numbers;
 * whole numbers below the length of the shortest table that they look something up in, bytes up to 255,
 * and 0 or 1 else, which is what masks are made of.
 */
export function randomInputs(graph: Graph, seed: number): readonly Tensor[] {
  const { normal, uniform } = random(seed);
  const uses = consumers(graph);
  return graph.inputs.map((value) => {
    const { dtype } = value;
    const shape = known(value.shape);
    const length = size(shape);
    if (isFloat(dtype)) return typed({ dtype, shape }, Float64Array.from({ length }, normal));
    const values = choices(value, uses);
    const drawn = Float64Array.from({ length }, () => Math.floor(uniform() * values));
    return typed({ dtype, shape }, drawn);
  });
}

/** How many values an input of whole numbers may take, from 0 up. */
function choices(input: Value, uses: ReadonlyMap<Value, readonly Node[]>): number {
  const usual = input.dtype === "uint8" ? 256 : 2;
  if (input.dtype === "bool") return usual;
  const shortest = lookedUp(input, uses);
  return Number.isFinite(shortest) ? Math.max(1, shortest) : usual;
}

/** Operators that hand on whole numbers as they are. */
const HANDS_ON = new Set(
  "Cast Identity Reshape Flatten Squeeze Unsqueeze Transpose Slice Split Concat Expand Tile Dropout".split(
    " ",
  ),
);

/** The length of the shortest axis that the numbers are indices of; ∞ where they are none. */
function lookedUp(input: Value, uses: ReadonlyMap<Value, readonly Node[]>): number {
  const seen = new Set<Value>([input]);
  let shortest = Number.POSITIVE_INFINITY;
  for (const value of seen)
    for (const node of uses.get(value) ?? []) {
      shortest = Math.min(shortest, tableLength(node, value));
      if (typeof node.operator !== "string" && HANDS_ON.has(node.operator.type))
        for (const out of node.outputs) seen.add(out);
    }
  return shortest;
}

/** The length of the axis that a node looks the value up in. */
function tableLength(node: Node, indices: Value): number {
  if (typeof node.operator === "string") return Number.POSITIVE_INFINITY;
  const [data, second] = node.inputs;
  const attrs = node.attrs as { axis?: number; depth?: number; batch_dims?: number };
  switch (node.operator.type) {
    case "Gather":
    case "GatherElements":
    case "ScatterElements":
      return second === indices
        ? Number(data!.shape.at(attrs.axis ?? 0))
        : Number.POSITIVE_INFINITY;
    case "GatherND":
    case "ScatterND": {
      if (second !== indices) return Number.POSITIVE_INFINITY;
      const first = attrs.batch_dims ?? 0;
      const axes = data!.shape.slice(first, first + Number(indices.shape.at(-1)));
      return Math.min(...axes.map(Number));
    }
    case "OneHot":
      return data === indices ? attrs.depth! : Number.POSITIVE_INFINITY;
    default:
      return Number.POSITIVE_INFINITY;
  }
}
