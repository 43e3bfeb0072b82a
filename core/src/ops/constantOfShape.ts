import { size, type Tensor, tensor } from "../ir/tensor.ts";
import { check, ints } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { type Operator, operator, refuse } from "./operator.ts";

type ConstantOfShapeAttrs = {
  readonly shape: readonly number[];
  /** One element; absent: float32 0. */
  readonly value?: Tensor;
};

/** A tensor that repeats one value; no inputs. */
export const constantOfShape: Operator<ConstantOfShapeAttrs> = operator<ConstantOfShapeAttrs>({
  type: "ConstantOfShape",
  infer(_inputs, { shape, value }) {
    const scalar = typeof value === "object" && "dtype" in value && size(value.shape) === 1;
    check(value === undefined || scalar, "ConstantOfShape: value is not a scalar");
    return [
      {
        dtype: value?.dtype ?? "float32",
        shape: ints(shape, { least: 0 }, "ConstantOfShape: shape"),
      },
    ];
  },
  evaluate: (_inputs, { value }, [{ dtype, shape }]) => [
    { dtype, shape, data: new Float64Array(size(shape)).fill(value?.data[0] ?? 0) },
  ],
  gradient: "none",
  channels: () => refuse("a shape has no units"),
  repeats: () => true,
  fitted: ({ attrs: { shape } }, gone) => ({
    shape: shape.map((d, axis) => d - gone({ output: 0 }, axis).length),
  }),
  ...constantInputs("ConstantOfShape", [{ attr: "shape", input: 0 }]),
  examples: [
    { inputs: [], attrs: { shape: [2, 3] } },
    {
      inputs: [],
      attrs: { shape: [2], value: tensor("int64", [1], Float64Array.of(-1)) },
      note: "integers",
    },
    { inputs: [], attrs: { shape: [] } },
  ],
});
