import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { encode } from "#core/compile/encode.ts";
import { type Graph, input, type Value } from "#core/ir/graph.ts";
import { Pool } from "#server/compute/pool.ts";
import { prune } from "#server/operations/prune.ts";
import { ENGINES } from "#server/runtime/engines.ts";
import { image, normal, op, weights } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { npz } from "../support/npz.ts";
import { temporaryFolder } from "../support/temporary.ts";

describe("the check of a pruned model", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const pool = new Pool({ script: bundle("compute"), processes: 2 });
  const output = folder.file("out.onnx");
  after(() => {
    pool.dispose();
    folder.remove();
  });
  const model = (graph: Graph) => {
    const path = folder.file("model.onnx");
    const inputNames = graph.inputs.map((v) => v.node.name);
    writeFileSync(path, encode(graph, { inputNames }));
    return path;
  };
  const dense = (x: Value, rows: number, columns: number, name: string) =>
    op("MatMul", {}, [x, weights([rows, columns], rows + columns)], name);
  const units = [{ layer: "fc", units: [1, 4] }];

  /** Token ids and a mask of any length, and a picture. */
  const mixed = (): Graph => {
    const ids = input("ids", "int64", ["batch", "sequence"]);
    const mask = input("mask", "int64", ["batch", "sequence"]);
    const x = input("x", "float32", ["batch", 3]);
    const words = op("Gather", {}, [weights([13, 4], 1, "words.weight"), ids]);
    const shown = op("Unsqueeze", { axes: [2] }, [op("Cast", { to: "float32" }, [mask])]);
    const sum = op("ReduceSum", { axes: [1], keepdims: 0 }, [op("Mul", {}, [words, shown])]);
    const h = op("Tanh", {}, [dense(op("Concat", { axis: 1 }, [sum, x]), 7, 6, "fc")]);
    return { inputs: [ids, mask, x], outputs: [dense(h, 6, 2, "out")] };
  };

  for (const engine of ENGINES)
    it(`${engine}: runs several inputs of several types on random numbers`, async () => {
      const report = await prune(pool, { model: model(mixed()), output, units, engine });
      assert.ok(report.maskedDifference! <= 1e-5, `${report.maskedDifference}`);
      assert.deepEqual(report.removed, units);
      assert.equal(report.accuracy, undefined);
    });

  it("runs them on the arrays of a .npz file, and says the accuracy", async () => {
    const [a, b] = [image("N", 3), input("context", "float32", ["N", 2])];
    const h = op("Relu", {}, [dense(op("Concat", { axis: 1 }, [a, b]), 5, 6, "fc")]);
    const samples = 30;
    const data = { data: folder.file("two.npz"), preprocess: {} };
    const array = (n: number, seed: number) => ({
      shape: [samples, n],
      values: [...normal([samples, n], seed).data],
    });
    const y = { shape: [samples], values: Array.from({ length: samples }, (_, i) => i % 3) };
    writeFileSync(data.data, npz({ x: array(3, 1), context: array(2, 2), y }));
    const graph = { inputs: [a, b], outputs: [dense(h, 6, 3, "out")] };
    const report = await prune(pool, { model: model(graph), output, units, data });
    assert.ok(report.maskedDifference! <= 1e-5);
    const { before, after } = report.accuracy!;
    for (const share of [before, after])
      assert.ok(Number.isInteger(Math.round(share * 30 * 1e6) / 1e6));
    assert.ok(before > 0 && before < 1);
  });

  it("runs models whose samples do not lead, or are only one", async () => {
    // Time leads: [T, 1, 3] becomes [T, 1, 2], and its output is that of all times together.
    const x = input("x", "float32", ["time", 1, 3]);
    const h = op("Relu", {}, [dense(x, 3, 6, "fc")]);
    const y = op("ReduceMean", { axes: [0, 1], keepdims: 0 }, [dense(h, 6, 2, "out")]);
    assert.ok(
      (await prune(pool, { model: model({ inputs: [x], outputs: [y] }), output, units }))
        .maskedDifference! <= 1e-5,
    );
    const fixed = input("x", "float32", [5, 3]);
    const g = op("Relu", {}, [dense(fixed, 3, 6, "fc")]);
    const graph = { inputs: [fixed], outputs: [dense(g, 6, 2, "out")] };
    assert.ok(
      (await prune(pool, { model: model(graph), output, units })).maskedDifference! <= 1e-5,
    );
  });
});
