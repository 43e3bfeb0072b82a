import { constant, constantOf, topological, type Value } from "../ir/graph.ts";
import { known, type Tensor } from "../ir/tensor.ts";

/**
 * Evaluates values by the operators' own definitions, in float64: slow and obvious, the oracle of the
 * runtimes. Shapes follow from the tensors that are fed, so symbolic graphs run as they are.
 */
export function evaluate(
  outputs: readonly Value[],
  feeds: ReadonlyMap<Value, Tensor>,
): readonly Tensor[] {
  const results = new Map<Value, Tensor>(feeds);
  const result = (value: Value): Tensor => {
    const found = results.get(value);
    if (found === undefined) throw new Error(`input ${value.node.name} is not fed`);
    return found;
  };
  for (const { operator, inputs, attrs, outputs: own } of topological(outputs)) {
    if (operator === "input" || own.every((v) => results.has(v))) continue;
    if (operator === "constant") {
      results.set(own[0], constantOf(own[0])!);
      continue;
    }
    const tensors = inputs.map((v) => v && result(v));
    const types = operator.infer(
      tensors.map((t) => t && constant(t)),
      attrs,
    );
    operator
      .evaluate(
        tensors,
        attrs,
        types.map(({ dtype, shape }) => ({ dtype, shape: known(shape) })),
      )
      .forEach((t, i) => {
        results.set(own[i], t);
      });
  }
  return outputs.map(result);
}
