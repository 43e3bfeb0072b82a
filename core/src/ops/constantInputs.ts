import { constant, type Node, type Value } from "../ir/graph.ts";
import { type DType, float32, int64 } from "../ir/tensor.ts";
import { constantNumbers } from "./check.ts";
import type { Attr, OnnxForm } from "./operator.ts";

/** An attribute here that is a constant input of the ONNX operator. */
interface ConstantInput {
  readonly attr: string;
  readonly input: number;
  readonly dtype?: DType;
}

/**
 * The two directions between ONNX's form and ours, for operators that ONNX gives their axes, starts or
 * scales as inputs: as attributes they are plain data that shape inference and gradients can read.
 */
export function constantInputs(type: string, table: readonly ConstantInput[]) {
  return {
    onnx(node: Pick<Node<object>, "inputs" | "attrs">): OnnxForm {
      const inputs: (Value | undefined)[] = [...node.inputs];
      const attrs: Record<string, Attr | undefined> = { ...node.attrs };
      for (const { attr, input, dtype } of table) {
        const value = attrs[attr] as readonly number[] | undefined;
        delete attrs[attr];
        if (value === undefined) continue;
        while (inputs.length < input) inputs.push(undefined);
        inputs[input] = constant((dtype === "float32" ? float32 : int64)([value.length], value));
      }
      return { inputs, attrs };
    },
    fromOnnx({ inputs, attrs }: OnnxForm): OnnxForm {
      const kept: Record<string, Attr | undefined> = { ...attrs };
      for (const { attr, input } of table) {
        const value = inputs[input];
        if (value !== undefined) kept[attr] = constantNumbers(value, `${type}: ${attr}`);
      }
      const first = Math.min(...table.map((t) => t.input));
      return { inputs: inputs.slice(0, first), attrs: kept };
    },
  };
}
