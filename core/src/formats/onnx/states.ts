import { constantOf, type Node, type Value } from "../../ir/graph.ts";
import { size } from "../../ir/tensor.ts";
import { inMemory } from "../weights.ts";
import type { Resolved } from "./shapeArguments.ts";

/** First states of recurrent nodes: of the output, and of the memory of LSTM. */
export const STATES: Readonly<Record<string, readonly number[]>> = {
  GRU: [5],
  LSTM: [5, 6],
  RNN: [5],
};

/** First states that are all 0 are left out: that is what they are by default. */
export function statesGiven(call: Resolved): Resolved {
  const states = STATES[call.type];
  if (states === undefined) return call;
  const hidden = call.inputs[2]?.shape.at(-1);
  const inputs = call.inputs.map((value, i) =>
    states.includes(i) && value?.shape.at(-1) === hidden && isZero(value) ? undefined : value,
  );
  return { ...call, inputs };
}

/** Operators whose results are elements of their first input. */
const MOVES = new Set([
  "Expand",
  "Gather",
  "Identity",
  "Reshape",
  "Slice",
  "Split",
  "Squeeze",
  "Transpose",
  "Unsqueeze",
]);

/** Computed while reading from zeros, not stored as a tensor of zeros: that is cut like any other. */
function isZero(value: Value | undefined): boolean {
  for (let at = value; at !== undefined; ) {
    const { node }: { node: Node } = at;
    const tensor = constantOf(at);
    if (tensor !== undefined)
      return (
        (node.name === "" || size(tensor.shape) === 1) &&
        inMemory(tensor) &&
        tensor.data.every((x) => x === 0)
      );
    if (typeof node.operator === "string") return false;
    if (node.operator.type === "ConstantOfShape") {
      const { value: one } = node.attrs as { value?: { data: ArrayLike<number> } };
      return (one?.data[0] ?? 0) === 0;
    }
    if (!MOVES.has(node.operator.type)) return false;
    at = node.inputs[0];
  }
  return false;
}
