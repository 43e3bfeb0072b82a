import { type Data, known, type Tensor, type Type, tensor } from "../ir/tensor.ts";

/** The input of one run: a short last batch is filled up with its first sample (and ignored there). */
export function paddedInput(x: Float32Array, count: number, type: Type): Tensor {
  const { dtype } = type;
  const shape = known(type.shape);
  const batch = shape[0];
  if (count === batch) return tensor(dtype, shape, elements(x, dtype));
  const each = x.length / count;
  const full = new Float32Array(batch * each);
  full.set(x);
  for (let i = count; i < batch; i++) full.copyWithin(i * each, 0, each);
  return tensor(dtype, shape, elements(full, dtype));
}

/** Data are read as float32; token ids and the like become what the model takes. */
function elements(x: Float32Array, dtype: Type["dtype"]): Data {
  switch (dtype) {
    case "int32":
      return Int32Array.from(x);
    case "bool":
    case "uint8":
      return Uint8Array.from(x);
    case "int64":
    case "float64":
      return Float64Array.from(x);
    default:
      return x;
  }
}
