import { type DType, size } from "../ir/tensor.ts";
import { codeOfDType, dtypeOfCode } from "./cast.ts";
import { check, int } from "./check.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";

type EyeLikeAttrs = { readonly dtype?: DType; readonly k?: number };

/** Ones on the k-th diagonal of a matrix as large as the input. */
export const eyeLike: Operator<EyeLikeAttrs> = operator<EyeLikeAttrs>({
  type: "EyeLike",
  infer(inputs, { dtype, k }) {
    const x = need(inputs, 0, "EyeLike");
    check(x.shape.length === 2, "EyeLike: the input must be a matrix");
    int(k, 0, "EyeLike: k");
    return [{ dtype: dtype ?? x.dtype, shape: x.shape }];
  },
  evaluate: (_inputs, { k = 0 }, [{ dtype, shape }]) => [
    {
      dtype,
      shape,
      data: Float64Array.from({ length: size(shape) }, (_, i) =>
        (i % shape[1]) - Math.floor(i / shape[1]) === k ? 1 : 0,
      ),
    },
  ],
  gradient: "none",
  channels: () => refuse("EyeLike reads the number of units"),
  onnx: ({ inputs, attrs: { dtype, ...rest } }) => ({
    inputs,
    attrs: { ...rest, ...(dtype !== undefined && { dtype: codeOfDType(dtype) }) },
  }),
  fromOnnx: ({ inputs, attrs: { dtype, ...rest } }) => ({
    inputs,
    attrs: { ...rest, ...(dtype !== undefined && { dtype: dtypeOfCode(dtype, "EyeLike") }) },
  }),
  examples: [
    { inputs: [[2, 3]], attrs: { k: 1 } },
    { inputs: [[3, 2]], attrs: { dtype: "int64", k: -1 } },
  ],
});
