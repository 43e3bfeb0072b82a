import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { encode } from "#core/compile/encode.ts";
import { constant, type Graph, input } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { ProblemError } from "#core/problem.ts";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { image, normal, op, weights } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { measure } from "../support/measure.ts";
import { type Npy, npz } from "../support/npz.ts";
import { assertRelative } from "../support/numbers.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SAMPLES = 40;

describe("importance of models with other inputs, against the reference runtime", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  after(() => {
    pool.dispose();
    folder.remove();
  });

  const model = (name: string, graph: Graph, outputNames: readonly string[]) => {
    const path = folder.file(name);
    const inputNames = graph.inputs.map((v) => v.node.name);
    writeFileSync(path, encode(graph, { inputNames, outputNames }));
    return path;
  };
  const data = (name: string, arrays: Readonly<Record<string, Npy>>) => {
    const path = folder.file(name);
    writeFileSync(path, npz(arrays));
    return { data: path, preprocess: {} };
  };

  const twoInputs = (): Graph => {
    const [a, b] = [image("N", 3), input("context", "float32", ["N", 2])];
    const joined = op("Concat", { axis: 1 }, [a, b]);
    const hidden = op("Tanh", {}, [op("MatMul", {}, [joined, weights([5, 6], 1, "fc.weight")])]);
    return {
      inputs: [a, b],
      outputs: [op("MatMul", {}, [hidden, weights([6, 3], 2, "o.weight")])],
    };
  };
  const two = {
    x: { shape: [SAMPLES, 3], values: [...normal([SAMPLES, 3], 99).data] },
    context: { shape: [SAMPLES, 2], values: [...normal([SAMPLES, 2], 100).data] },
  };

  it("takes one array for each of several inputs", async () => {
    const graph = twoInputs();
    const expected = await measure(graph, { samples: SAMPLES });
    const found = await computeImportance(pool, {
      model: model("two.onnx", graph, ["y"]),
      data: data("two.npz", two),
    });
    assertRelative(found.layers[0]!.sigma, expected.layers[0]!.sigma, { tolerance: 1e-4 });
    assertRelative(found.input.importance, expected.input.importance, { tolerance: 1e-4 });
  });

  it("says what is wrong with data that do not hold all of them", async () => {
    const path = model("two.onnx", twoInputs(), ["y"]);
    const { context: _context, ...one } = two;
    const problem = await problemOf({ model: path, data: data("one.npz", one) });
    assert.match(problem.message, /there is no array context, only x/);
    const table = { data: folder.file("table.csv"), preprocess: {} };
    writeFileSync(table.data, "a,b\n1,2\n");
    assert.match(
      (await problemOf({ model: path, data: table })).message,
      /the model has 2 inputs; name a .npz file with one array for each \(x, context\)/,
    );
    const fewer = { shape: [5, 2], values: [...normal([5, 2], 1).data] };
    assert.match(
      (await problemOf({ model: path, data: data("fewer.npz", { ...two, context: fewer }) }))
        .message,
      /different numbers of samples \(40, 5\)/,
    );
  });

  it("explains the output that is named", async () => {
    const graph = twoInputs();
    const second = op("Sigmoid", {}, [
      op("MatMul", {}, [graph.outputs[0]!.node.inputs[0], weights([6, 1], 5, "p.weight")]),
    ]);
    const both = { inputs: graph.inputs, outputs: [graph.outputs[0]!, second] };
    const path = model("both.onnx", both, ["y", "p"]);
    const request = { model: path, data: data("two.npz", two) };
    const found = await computeImportance(pool, { ...request, output: "p" });
    const expected = await measure(both, { samples: SAMPLES, output: 1 });
    assert.deepEqual(
      found.refused!.map((r) => r.because),
      expected.refused!.map((r) => r.because),
    );
    assertRelative(found.layers[0]!.sigma, expected.layers[0]!.sigma, { tolerance: 1e-4 });
    assert.match(
      (await problemOf({ ...request, output: "q" })).message,
      /there is no output q; there are y, p/,
    );
  });

  it("measures the layers behind token ids", async () => {
    const ids = input("ids", "int64", ["N", 6]);
    const table = constant(
      float32(
        [9, 4],
        Array.from({ length: 36 }, (_, i) => Math.sin(i)),
      ),
      "t",
    );
    const embedded = op("Gather", { axis: 0 }, [table, ids]);
    const dense = op("Relu", {}, [op("MatMul", {}, [embedded, weights([4, 5], 1, "fc.weight")])]);
    const mean = op("ReduceMean", { axes: [1], keepdims: 0 }, [dense]);
    const y = op("MatMul", {}, [mean, weights([5, 3], 2, "out.weight")]);
    const graph = { inputs: [ids], outputs: [y] };
    const token = (v: number) => Math.floor(Math.abs(100 * v)) % 9;
    const values = Array.from(Float32Array.from(normal([SAMPLES, 6], 99).data), token);
    const expected = await measure(graph, {
      samples: SAMPLES,
      values: token,
    });
    const found = await computeImportance(pool, {
      model: model("ids.onnx", graph, ["y"]),
      data: data("ids.npz", { x: { shape: [SAMPLES, 6], values } }),
    });
    assert.equal(found.input.refused, expected.input.refused);
    for (const [i, layer] of expected.layers.entries())
      assertRelative(found.layers[i]!.sigma, layer.sigma, { tolerance: 1e-4, what: layer.name });
  });

  it("runs sequences that lead with time sample by sample", async () => {
    const x = image("N", 5, 3);
    const first = op("Transpose", { perm: [1, 0, 2] }, [x]);
    const lstm = op("LSTM", { hidden_size: 4 }, [
      first,
      weights([1, 16, 3], 1, "lstm.weight"),
      weights([1, 16, 4], 2, "lstm.R"),
    ]);
    const mean = op("ReduceMean", { axes: [0], keepdims: 0 }, [
      op("Squeeze", { axes: [1] }, [lstm]),
    ]);
    const y = op("MatMul", {}, [mean, weights([4, 3], 3, "out.weight")]);
    const graph = { inputs: [x], outputs: [y] };
    const values = [...normal([SAMPLES, 15], 99).data];
    const found = await computeImportance(pool, {
      model: model("lstm.onnx", graph, ["y"]),
      data: data("lstm.npz", { x: { shape: [SAMPLES, 5, 3], values } }),
    });
    const expected = await measure(graph, { samples: SAMPLES, batch: 1 });
    assert.deepEqual(
      found.layers.map(({ op, units }) => [op, units]),
      [
        ["LSTM", 4],
        ["MatMul", 3],
      ],
    );
    for (const key of ["sigma", "gate", "scaled", "active", "deviation"] as const)
      assertRelative(found.layers[0]![key], expected.layers[0]![key], {
        tolerance: 1e-4,
        what: key,
      });
    assertRelative(found.input.importance, expected.input.importance, { tolerance: 1e-4 });
  });

  const problemOf = (request: Parameters<typeof computeImportance>[1]) =>
    computeImportance(pool, request).then(
      () => assert.fail("it was computed"),
      (error: unknown) => {
        assert.ok(error instanceof ProblemError);
        return error.problem;
      },
    );
});
