import { float32, type Tensor } from "../ir/tensor.ts";

/** The input of one run: a short last batch is filled up with its first sample (and ignored there). */
export function paddedInput(x: Float32Array, count: number, shape: readonly number[]): Tensor {
  const batch = shape[0];
  if (count === batch) return float32(shape, x);
  const each = x.length / count;
  const full = new Float32Array(batch * each);
  full.set(x);
  for (let i = count; i < batch; i++) full.copyWithin(i * each, 0, each);
  return float32(shape, full);
}
