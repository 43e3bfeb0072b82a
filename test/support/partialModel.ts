import { fileOf, floats, info, nodeOf } from "../core/formats/support.ts";

/** Columns of the weights of fc1: unit 2 is never active where the inputs are positive. */
export const FC1 = [
  [1, 0.5, -1, 0.25],
  [-0.5, 2, -1, 1],
  [0.75, -1, -2, 1],
] as const;

/**
 * relu(x·W1) goes into an operator that nobody knows, whose result goes through fc2 to the output y.
 * With `branch`, relu(x·W1)·W3 is a second output, which is read as a whole.
 */
export function partialModel({ branch = false } = {}): Uint8Array {
  const columns = FC1[0].length;
  return fileOf({
    opset: 17,
    nodes: [
      nodeOf("MatMul", ["x", "fc1.weight"], ["h"]),
      nodeOf("Relu", ["h"], ["a"]),
      nodeOf("Frobnicate", ["a"], ["s"], [], { name: "odd", domain: "com.example" }),
      nodeOf("MatMul", ["s", "fc2.weight"], ["y"]),
      ...(branch ? [nodeOf("MatMul", ["a", "fc3.weight"], ["z"])] : []),
    ],
    tensors: [
      floats("fc1.weight", [FC1.length, columns], FC1.flat()),
      floats("fc2.weight", [columns, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
      ...(branch ? [floats("fc3.weight", [columns, 2], [1, -1, 2, 0.5, 3, 1, -2, 1])] : []),
    ],
    inputs: [info("x", ["N", FC1.length])],
    outputs: [info("y", ["N", 2]), ...(branch ? [info("z", ["N", 2])] : [])],
  });
}
