import { known, type Tensor, type Type, tensor, typed } from "../ir/tensor.ts";

/**
 * The input of one run: a short last batch is filled up with its first sample (and ignored there). Data
 * are read as float32; token ids and the like become what the model takes.
 */
export function paddedInput(x: Float32Array, count: number, type: Type): Tensor {
  const { dtype } = type;
  const shape = known(type.shape);
  const batch = shape[0];
  if (count === batch) return tensor(dtype, shape, typed({ dtype, shape }, x).data);
  const each = x.length / count;
  const full = new Float32Array(batch * each);
  full.set(x);
  for (let i = count; i < batch; i++) full.copyWithin(i * each, 0, each);
  return tensor(dtype, shape, typed({ dtype, shape }, full).data);
}
