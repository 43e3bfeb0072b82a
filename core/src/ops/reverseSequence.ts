import { int64, size, strides } from "../ir/tensor.ts";
import { check, int, needDType } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type ReverseSequenceAttrs = { readonly batch_axis?: number; readonly time_axis?: number };

/** Inputs: x, lengths [batch]: the first `lengths[b]` steps of each sequence in reverse order. */
export const reverseSequence: Operator<ReverseSequenceAttrs> = operator<ReverseSequenceAttrs>({
  type: "ReverseSequence",
  infer(inputs, attrs) {
    const [x, lengths] = [need(inputs, 0, "ReverseSequence"), need(inputs, 1, "ReverseSequence")];
    const { batch } = axes(attrs);
    check(x.shape.length >= 2, "ReverseSequence: the input needs a time and a batch axis");
    needDType(lengths, "int64", "ReverseSequence: sequence_lens");
    check(
      lengths.shape.length === 1 && lengths.shape[0] === x.shape[batch],
      "ReverseSequence: sequence_lens must have one length for each sequence",
    );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x, lengths], attrs, [{ dtype, shape }]) {
    const { batch, time } = axes(attrs);
    const step = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const n = lengths!.data[Math.floor(i / step[batch]) % shape[batch]];
      const t = Math.floor(i / step[time]) % shape[time];
      return x!.data[t < n ? i + (n - 1 - 2 * t) * step[time] : i];
    });
    return [{ dtype, shape, data }];
  },
  gradient: ([ct], { inputs: [, lengths], attrs }) => [reverseSequence(attrs, ct, lengths)],
  channels(_node, input, axis) {
    if (input !== 0) return refuse("a length has no units");
    return axis < 2 ? refuse("ReverseSequence tells its positions apart") : carry(axis);
  },
  examples: [
    { inputs: [[4, 3, 2], int64([3], [4, 1, 3])], attrs: {} },
    { inputs: [[2, 3], int64([2], [2, 3])], attrs: { batch_axis: 0, time_axis: 1 } },
  ],
});

function axes(attrs: ReverseSequenceAttrs) {
  const batch = int(attrs.batch_axis, 1, "ReverseSequence: batch_axis");
  const time = int(attrs.time_axis, 0, "ReverseSequence: time_axis");
  check(
    (batch === 0 || batch === 1) && time === 1 - batch,
    "ReverseSequence: batch_axis and time_axis must be 0 and 1",
  );
  return { batch, time };
}
