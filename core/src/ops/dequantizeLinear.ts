import { isFloat, known, size, tensor } from "../ir/tensor.ts";
import { unbroadcast } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { check, needFloat, sameDType } from "./check.ts";
import { mul } from "./mul.ts";
import { need, type Operator, operator } from "./operator.ts";
import {
  alongTensor,
  checkScale,
  type QuantisationAttrs,
  quantisationRule,
  scaleOffset,
} from "./quantisation.ts";
import { reshapeTo } from "./reshape.ts";
import { sub } from "./sub.ts";

const bytes = tensor("uint8", [2, 3], Uint8Array.of(0, 100, 128, 130, 200, 255));

/** Inputs: x, scale, zero point: (x − zero point)·scale. */
export const dequantizeLinear: Operator<QuantisationAttrs> = operator<QuantisationAttrs>({
  type: "DequantizeLinear",
  infer(inputs, attrs) {
    const type = "DequantizeLinear";
    const [x, scale, zero] = [need(inputs, 0, type), need(inputs, 1, type), inputs[2]];
    check(
      !isFloat(x.dtype) && x.dtype !== "bool" && x.dtype !== "string",
      `${type}: x is ${x.dtype}, needs an integer type`,
    );
    needFloat(scale, `${type}: scale`);
    sameDType(x, zero, type);
    checkScale(x, scale, zero, attrs, type);
    return [{ dtype: scale.dtype, shape: x.shape }];
  },
  evaluate([x, scale, zero], attrs, [{ dtype, shape }]) {
    const at = scaleOffset(shape, scale!.shape, attrs, "DequantizeLinear");
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const s = at(i);
      return (x!.data[i] - (zero?.data[s] ?? 0)) * scale!.data[s];
    });
    return [{ dtype, shape, data }];
  },
  /** Straight through: integers have the cotangent of the number they stand for. */
  gradient([ct], { inputs: [x, scale, zero], attrs }) {
    const type = "DequantizeLinear";
    const factor = alongTensor(scale!, x!.shape, attrs, type);
    const whole = cast({ to: ct!.dtype }, x);
    const centred =
      zero === undefined
        ? whole
        : sub({}, whole, cast({ to: ct!.dtype }, alongTensor(zero, x!.shape, attrs, type)));
    const dScale = unbroadcast(mul({}, ct, centred), factor);
    return [mul({}, ct, factor), reshapeTo(dScale, known(scale!.shape))];
  },
  channels: (node, input, axis) => quantisationRule(node, input, axis, "DequantizeLinear"),
  examples: [
    { inputs: [bytes, [], tensor("uint8", [], Uint8Array.of(128))], attrs: {} },
    {
      inputs: [
        tensor("int8", [2, 3], Int8Array.of(-128, 0, 5, 7, 100, 127)),
        [3],
        tensor("int8", [3], Int8Array.of(0, 3, -4)),
      ],
      attrs: { axis: 1 },
      note: "a scale for each column",
    },
    {
      inputs: [tensor("int32", [2, 2], Int32Array.of(-1000, 4, 70000, 3)), [2]],
      attrs: { axis: 0 },
      note: "a bias",
    },
  ],
});
