import type { Value } from "../ir/graph.ts";
import type { DType } from "../ir/tensor.ts";
import { needDType, needFloat, real } from "./check.ts";
import { mul } from "./mul.ts";
import { carry, type Example, need, type Operator, operator } from "./operator.ts";

/** Numbers that have a default; ONNX stores them as floats. */
type Parameters = { readonly [name: string]: number };
type Given<P extends Parameters> = { readonly [name in keyof P]?: number };

/**
 * Defines an operator y = f(x) of floating-point elements, each by itself, from f and its derivative.
 * The derivative depends on the point alone, so that each further cotangent costs one multiplication.
 */
export function scalarFunction<P extends Parameters>(definition: {
  type: string;
  /** The attributes and their defaults. */
  defaults?: P;
  of(x: number, parameters: P): number;
  /** dy/dx as graph nodes; "none": zero almost everywhere. */
  slope: "none" | ((x: Value, y: Value, parameters: P) => Value);
  /** The only element type it takes; absent: any floating-point type. */
  takes?: DType;
  /** The element type of the result, where that differs. */
  result?: DType;
  examples?: readonly Example<NoInfer<Given<P>>>[];
}): Operator<Given<P>> {
  const { type, defaults, of, slope, takes, result } = definition;
  const names = Object.keys(defaults ?? {});
  const parametersOf = (attrs: Given<P>): P =>
    Object.fromEntries(
      names.map((name) => [name, real(attrs[name], defaults![name], `${type}: ${name}`)]),
    ) as P;
  return operator<Given<P>>({
    type,
    floatAttrs: names,
    infer(inputs, attrs) {
      const x = need(inputs, 0, type);
      if (takes === undefined) needFloat(x, type);
      else needDType(x, takes, type);
      parametersOf(attrs);
      return [{ dtype: result ?? x.dtype, shape: x.shape }];
    },
    evaluate([x], attrs, [{ dtype, shape }]) {
      const parameters = parametersOf(attrs);
      return [{ dtype, shape, data: Float64Array.from(x!.data, (v) => of(v, parameters)) }];
    },
    gradient:
      slope === "none"
        ? "none"
        : ([ct], { inputs: [x], outputs: [y], attrs }) => [
            mul({}, ct!, slope(x!, y, parametersOf(attrs))),
          ],
    channels: (_node, _input, axis) => carry(axis),
    examples: definition.examples ?? [{ inputs: [[2, 3]], attrs: {} }],
  });
}
