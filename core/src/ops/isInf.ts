import { float32 } from "../ir/tensor.ts";
import { flag, needFloat } from "./check.ts";
import { carry, need, type Operator, operator } from "./operator.ts";

type IsInfAttrs = { readonly detect_negative?: number; readonly detect_positive?: number };

const odd = float32([5], [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);

export const isInf: Operator<IsInfAttrs> = operator<IsInfAttrs>({
  type: "IsInf",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "IsInf");
    needFloat(x, "IsInf");
    signs(attrs);
    return [{ dtype: "bool", shape: x.shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const { negative, positive } = signs(attrs);
    const found = (v: number) =>
      (negative && v === Number.NEGATIVE_INFINITY) || (positive && v === Number.POSITIVE_INFINITY);
    return [{ dtype, shape, data: Uint8Array.from(x!.data, (v) => (found(v) ? 1 : 0)) }];
  },
  gradient: "none",
  channels: (_node, _input, axis) => carry(axis),
  examples: [
    { inputs: [odd], attrs: {} },
    { inputs: [odd], attrs: { detect_negative: 0 } },
    { inputs: [odd], attrs: { detect_positive: 0 } },
  ],
});

const signs = (attrs: IsInfAttrs) => ({
  negative: flag(attrs.detect_negative, true, "IsInf: detect_negative"),
  positive: flag(attrs.detect_positive, true, "IsInf: detect_positive"),
});
