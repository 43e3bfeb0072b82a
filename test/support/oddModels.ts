import { fileOf, floats, info, nodeOf, range } from "../core/formats/support.ts";

const weights = (name: string, rows: number, columns: number) =>
  floats(
    name,
    [rows, columns],
    range(rows * columns).map((i) => (i % 5) - 2),
  );

/** y = (x·W1 + x)·W2: the units of fc1 are added to the inputs and cannot go alone. */
export const residualModel = (): Uint8Array =>
  fileOf({
    opset: 17,
    nodes: [
      nodeOf("MatMul", ["x", "fc1.weight"], ["h"]),
      nodeOf("Add", ["h", "x"], ["s"]),
      nodeOf("MatMul", ["s", "fc2.weight"], ["y"]),
    ],
    tensors: [weights("fc1.weight", 4, 4), weights("fc2.weight", 4, 2)],
    inputs: [info("x", ["N", 4])],
    outputs: [info("y", ["N", 2])],
  });
