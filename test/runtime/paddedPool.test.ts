import assert from "node:assert/strict";
import { float32 } from "#core/ir/tensor.ts";
import { ENGINES, engine } from "#server/runtime/engines.ts";
import { image, op } from "../support/build.ts";

for (const name of ENGINES)
  describe(`${name}, a pool behind a padding`, () => {
    const x = image(1, 1, 3, 3);
    const padded = (n: number) => op("Pad", { pads: [0, 0, n, n, 0, 0, n, n] }, [x]);
    const run = async (y: typeof x) => {
      const program = await (await engine(name)).compile({ inputs: [x], outputs: [y] });
      const [found] = await program.run([float32([1, 1, 3, 3], new Float32Array(9).fill(-1))]);
      await program.release();
      return [...found!.data];
    };

    it("sees the zeros of the padding", async () => {
      // Every window but the middle one reaches into the zeros, which are above −1.
      const y = op("MaxPool", { kernel_shape: [3, 3] }, [padded(1)]);
      assert.deepEqual(await run(y), [0, 0, 0, 0, -1, 0, 0, 0, 0]);
    });

    it("may have windows within the padding", async () => {
      // Rows 0 2 4 6 of 7 × 7, of which 2 and 4 are inside.
      const y = op("MaxPool", { kernel_shape: [1, 1], strides: [2, 2] }, [padded(2)]);
      assert.deepEqual(await run(y), [0, 0, 0, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, 0, 0, 0]);
    });
  });
