import { encode } from "#core/compile/encode.ts";
import { constant, type Value } from "#core/ir/graph.ts";
import { type Tensor, tensor } from "#core/ir/tensor.ts";
import { image, normal, op } from "./build.ts";

/** Rows of a tensor that become others: a copy of another row, or all one number. */
type Planted = Readonly<Record<number, { readonly of: number } | { readonly all: number }>>;

function planted(shape: readonly number[], seed: number, name: string, rows: Planted): Value {
  const { data } = normal(shape, seed, 0.5);
  const inner = data.length / shape[0]!;
  for (const [row, what] of Object.entries(rows))
    for (let i = 0; i < inner; i++)
      data[Number(row) * inner + i] = "of" in what ? data[what.of * inner + i]! : what.all;
  return constant(tensor("float32", shape, data) as Tensor, name);
}

/**
 * An ONNX model [N, 1, 8, 8] → [N, 3]. conv (6 units): 2 copies 1, 5 is 0; fc1 (5 units): 4 is
 * always 0.5, 3 copies 0. Nothing else is redundant.
 */
export function redundantModel(): Uint8Array {
  const x = image("N", 1, 8, 8);
  const copies = { 2: { of: 1 }, 5: { all: 0 } };
  const conv = op(
    "Conv",
    { pads: [1, 1, 1, 1] },
    [
      x,
      planted([6, 1, 3, 3], 1, "conv.weight", copies),
      planted([6], 2, "conv.bias", { ...copies, 5: { all: -0.25 } }),
    ],
    "conv",
  );
  const pooled = op("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [op("Relu", {}, [conv])]);
  const flat = op("Flatten", { axis: 1 }, [pooled]);
  const rows = { 3: { of: 0 }, 4: { all: 0 } };
  const fc1 = op(
    "Gemm",
    { transB: 1 },
    [
      flat,
      planted([5, 96], 3, "fc1.weight", rows),
      planted([5], 4, "fc1.bias", { ...rows, 4: { all: 0.5 } }),
    ],
    "fc1",
  );
  const y = op(
    "Gemm",
    { transB: 1 },
    [op("Relu", {}, [fc1]), planted([3, 5], 5, "fc2.weight", {}), planted([3], 6, "fc2.bias", {})],
    "fc2",
  );
  return encode({ inputs: [x], outputs: [y] });
}
