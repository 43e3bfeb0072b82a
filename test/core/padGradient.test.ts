import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import { constantOf, input, topological } from "#core/ir/graph.ts";
import { float32, size } from "#core/ir/tensor.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { op } from "../support/build.ts";

const LENGTH = 40_000;
const BORDER = 128;

describe("the gradient of Pad", () => {
  for (const mode of ["reflect", "edge", "wrap"])
    it(`takes no table that grows with the axis: ${mode}`, () => {
      const x = input("x", "float32", [1, LENGTH]);
      const y = op("Pad", { pads: [0, BORDER, 0, BORDER], mode }, [x]);
      const ct = input("ct", "float32", y.shape);
      const g = backward([{ output: y, cotangent: ct }], [x]).get(x)!;
      for (const { outputs } of topological([g])) {
        const table = constantOf(outputs[0]);
        assert.ok(table === undefined || size(table.shape) <= LENGTH);
      }
      const ones = float32([1, LENGTH + 2 * BORDER], new Float32Array(LENGTH + 2 * BORDER).fill(1));
      const [counts] = evaluate([g], new Map([[ct, ones]]));
      // How often each element stands in the result: all of them together as often as it is long.
      const data = Array.from(counts!.data);
      assert.equal(
        data.reduce((a, b) => a + b, 0),
        LENGTH + 2 * BORDER,
      );
      const often = { reflect: [1, 2], edge: [BORDER + 1, 1], wrap: [2, 2] }[mode]!;
      assert.deepEqual([data[0], data[1], data[LENGTH / 2]], [...often, 1]);
    });

  it("is the transpose of what it does, also where the border is reflected several times", () => {
    const x = input("x", "float32", [3]);
    const y = op("Pad", { pads: [5, 7], mode: "reflect" }, [x]);
    const ct = input("ct", "float32", [15]);
    const g = backward([{ output: y, cotangent: ct }], [x]).get(x)!;
    const unit = (n: number, k: number) => float32([n], new Float32Array(n).fill(1, k, k + 1));
    for (let i = 0; i < 3; i++) {
      const [column] = evaluate([y], new Map([[x, unit(3, i)]]));
      for (let k = 0; k < 15; k++) {
        const [row] = evaluate([g], new Map([[ct, unit(15, k)]]));
        assert.equal(row!.data[i], column!.data[k]);
      }
    }
  });
});
