import { type DType, known, size, tensor } from "../ir/tensor.ts";
import { and } from "./and.ts";
import { unbroadcast } from "./broadcast.ts";
import { cast, dtypeOfCode } from "./cast.ts";
import { check, needFloat, sameDType } from "./check.ts";
import { div } from "./div.ts";
import { greaterOrEqual } from "./greaterOrEqual.ts";
import { lessOrEqual } from "./lessOrEqual.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { need, type Operator, operator } from "./operator.ts";
import {
  alongTensor,
  checkScale,
  type QuantisationAttrs,
  quantisationRule,
  RANGES,
  roundHalfEven,
  scaleOffset,
} from "./quantisation.ts";
import { reshapeTo } from "./reshape.ts";
import { sub } from "./sub.ts";
import { where } from "./where.ts";

type QuantizeAttrs = QuantisationAttrs & {
  /** TensorProto.DataType of the result where there is no zero point; 0 or absent: uint8. */
  readonly output_dtype?: number;
  /** Of 8-bit floats, which are not supported. */
  readonly saturate?: number;
  readonly precision?: number;
};

const TYPE = "QuantizeLinear";

/** Inputs: x, scale, zero point: round(x / scale) + zero point, saturated. */
export const quantizeLinear: Operator<QuantizeAttrs> = operator<QuantizeAttrs>({
  type: TYPE,
  infer(inputs, attrs) {
    const [x, scale, zero] = [need(inputs, 0, TYPE), need(inputs, 1, TYPE), inputs[2]];
    needFloat(x, TYPE);
    sameDType(x, scale, TYPE);
    checkScale(x, scale, zero, attrs, TYPE);
    const dtype = zero?.dtype ?? dtypeOf(attrs);
    check(RANGES[dtype] !== undefined, `${TYPE}: ${dtype} is not an integer type of 8 or 16 bits`);
    return [{ dtype, shape: x.shape }];
  },
  evaluate([x, scale, zero], attrs, [{ dtype, shape }]) {
    const [low, high] = RANGES[dtype]!;
    const at = scaleOffset(shape, scale!.shape, attrs, TYPE);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const s = at(i);
      // The quotient is rounded once to single precision, as runtimes compute it.
      const quotient = Math.fround(x!.data[i] / scale!.data[s]);
      return Math.min(high, Math.max(low, roundHalfEven(quotient) + (zero?.data[s] ?? 0)));
    });
    return [{ dtype, shape, data }];
  },
  /**
   * Straight through (Bengio et al. 2013): the derivative of round∘clip is taken as that of clip, 1 where
   * x / scale + zero point is inside the range and 0 outside.
   */
  gradient([ct], { inputs: [x, scale, zero], outputs: [y], attrs }) {
    const [low, high] = RANGES[y.dtype]!;
    const factor = alongTensor(scale!, x!.shape, attrs, TYPE);
    const quotient = div({}, x, factor);
    const offset = zero && cast({ to: x!.dtype }, alongTensor(zero, x!.shape, attrs, TYPE));
    const bound = (end: number) =>
      offset === undefined ? literal(x!, end) : sub({}, literal(x!, end), offset);
    const inside = and(
      {},
      greaterOrEqual({}, quotient, bound(low)),
      lessOrEqual({}, quotient, bound(high)),
    );
    const slope = where({}, inside, div({}, ct, factor), literal(x!, 0));
    const dScale = unbroadcast(neg({}, mul({}, slope, quotient)), factor);
    return [slope, reshapeTo(dScale, known(scale!.shape))];
  },
  channels: (node, input, axis) => quantisationRule(node, input, axis, TYPE),
  examples: [
    { inputs: [[2, 3], tensor("float32", [], Float32Array.of(0.01))], attrs: {}, constants: [1] },
    {
      inputs: [
        [2, 3],
        tensor("float32", [3], Float32Array.of(0.01, 0.02, 0.001)),
        tensor("int8", [3], Int8Array.of(0, 3, -4)),
      ],
      attrs: { axis: 1 },
      constants: [1],
      note: "saturates in the last column",
    },
  ],
});

function dtypeOf({ output_dtype: code = 0 }: QuantizeAttrs): DType {
  return code === 0 ? "uint8" : dtypeOfCode(code, TYPE);
}
