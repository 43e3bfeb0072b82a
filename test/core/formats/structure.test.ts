import assert from "node:assert/strict";
import fc from "fast-check";
import { layersOf } from "#core/explain/layers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { weightsWithNaN } from "#core/formats/finite.ts";
import type { Model } from "#core/formats/model.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { topological } from "#core/ir/graph.ts";
import type { Operator } from "#core/ops/operator.ts";
import { contribModels } from "../../support/contribModels.ts";
import { qdqModel, structuredModels } from "../../support/ownModels.ts";
import * as f from "./support.ts";

const types = (model: Model): string[] =>
  topological(model.graph.outputs).flatMap((n) =>
    typeof n.operator === "string" ? [] : [(n.operator as Operator).type],
  );

const call = (name: string, inputs: string[], outputs: string[]) =>
  f.nodeOf(name, inputs, outputs, [], { domain: "local", name: `call ${name}` });

async function problemsOf(bytes: Uint8Array): Promise<string> {
  const { problems } = await f.readBytes(bytes);
  return f.lines(problems).join("\n");
}

describe("reading ONNX: functions", () => {
  it("puts the nodes in, with the path of the calls in their names", async () => {
    const { bytes } = structuredModels[0]!;
    const model = await f.readWell(bytes);
    assert.deepEqual(types(model), [
      "MatMul",
      "Add",
      "LeakyRelu",
      "MatMul",
      "Add",
      "LeakyRelu",
      "LeakyRelu",
    ]);
    assert.deepEqual(
      topological(model.graph.outputs)
        .filter((n) => typeof n.operator !== "string")
        .map((n) => [n.name, (n.attrs as { alpha?: number }).alpha]),
      [
        ["dense1/product", undefined],
        ["dense1/Add_1", undefined],
        ["dense1/leaky1/LeakyRelu_0", Math.fround(0.1)],
        ["dense2/product", undefined],
        ["dense2/Add_1", undefined],
        ["dense2/leaky1/LeakyRelu_0", 0.5],
        ["leaky1/LeakyRelu_0", 0.25],
      ],
    );
    // Weights that are handed in can be cut; layers have them.
    assert.deepEqual(
      layersOf(model.graph).map((l) => l.weights.node.name),
      ["w1", "w2"],
    );
  });

  it("refuses functions that call themselves, also by others, and bottomless nesting", async () => {
    const file = (functions: { name: string; calls: string }[]) =>
      f.fileOf({
        nodes: [call(functions[0]!.name, ["x"], ["y"])],
        inputs: [f.info("x", [2])],
        outputs: [f.info("y", [2])],
        inModel: functions.flatMap(({ name, calls }) =>
          f.functionOf({ name, inputs: ["a"], outputs: ["b"], nodes: [call(calls, ["a"], ["b"])] }),
        ),
      });
    assert.match(await problemsOf(file([{ name: "A", calls: "A" }])), /function A calls itself/);
    assert.match(
      await problemsOf(
        file([
          { name: "A", calls: "B" },
          { name: "B", calls: "A" },
        ]),
      ),
      /node call A\/call B\/call A \(number 0\): the function A calls itself/,
    );
    const deep = f.range(50).map((i) => ({ name: `F${i}`, calls: `F${i + 1}` }));
    assert.match(await problemsOf(file(deep)), /nested more than 32 deep/);
  });

  it("refuses functions that double at every call before they fill the memory", async () => {
    const functions = f.range(30).flatMap((i) =>
      f.functionOf({
        name: `F${i}`,
        inputs: ["a"],
        outputs: ["b"],
        nodes: [call(`F${i + 1}`, ["a"], ["m"]), call(`F${i + 1}`, ["m"], ["b"])],
      }),
    );
    const bytes = f.fileOf({
      nodes: [call("F0", ["x"], ["y"])],
      inputs: [f.info("x", [2])],
      outputs: [f.info("y", [2])],
      inModel: functions,
    });
    assert.match(
      await problemsOf(bytes),
      /with its functions the graph has more than 1,000,000 nodes/,
    );
  }).timeout(30_000);

  it("gives what a function hands through, and refuses calls that do not fit", async () => {
    const pass = f.functionOf({ name: "Pass", inputs: ["a"], outputs: ["a"], nodes: [] });
    const file = (inputs: string[]) =>
      f.fileOf({
        nodes: [call("Pass", inputs, ["y"])],
        inputs: [f.info("x", [2])],
        outputs: [f.info("y", [2])],
        inModel: pass,
      });
    assert.deepEqual(types(await f.readWell(file(["x"]))), ["Identity"]);
    assert.match(await problemsOf(file(["x", "x"])), /does not fit the function Pass/);
  });
});

describe("reading ONNX: branches and loops", () => {
  it("refuses If, Loop and Scan that the data decide, by name", async () => {
    const branch = (name: string) =>
      f.graphAttr(name, { nodes: [f.nodeOf("Neg", ["x"], [`${name}y`])], outputs: [`${name}y`] });
    const file = (nodes: Parameters<typeof f.fileOf>[0]["nodes"]) =>
      f.fileOf({ opset: 17, nodes, inputs: [f.info("x", [1])], outputs: [f.info("y", [])] });
    const both = [branch("then_branch"), branch("else_branch")];
    assert.match(
      await problemsOf(
        file([
          f.nodeOf("Cast", ["x"], ["c"], [f.intAttr("to", 9)]),
          f.nodeOf("If", ["c"], ["y"], both, { name: "choice" }),
        ]),
      ),
      /node choice \(number 1\): operator If \(opset 17\) whose condition depends on the data/,
    );
    for (const type of ["Loop", "Scan"])
      assert.match(
        await problemsOf(file([f.nodeOf(type, ["x"], ["y"], [branch("body")], { name: "turns" })])),
        new RegExp(`node turns \\(number 0\\): operator ${type} \\(opset 17\\) is not supported`),
      );
  });
});

describe("reading ONNX: computed lengths", () => {
  it("leaves no trace of them, and takes batches", async () => {
    const { bytes } = structuredModels.at(-1)!;
    const model = await f.readWell(bytes);
    assert.deepEqual(types(model), ["Reshape", "Expand", "Concat"]);
    assert.deepEqual(model.graph.outputs[0]!.shape, ["batch", 3, 5]);
    for (const batch of [1, 7]) {
      const bound = bindBatch(model.graph, batch);
      assert.ok(bound.kind === "bound");
      assert.deepEqual(bound.graph.outputs[0]!.shape, [batch, 3, 5]);
    }
  });

  it("refuses lengths that depend on the data, by name", async () => {
    const bytes = f.fileOf({
      opset: 17,
      nodes: [
        f.nodeOf("Cast", ["x"], ["s"], [f.intAttr("to", 7)]),
        f.nodeOf("Reshape", ["w", "s"], ["y"], [], { name: "shaped" }),
      ],
      tensors: [f.floats("w", [4], f.range(4))],
      inputs: [f.info("x", [2])],
      outputs: [f.info("y", [])],
    });
    assert.match(await problemsOf(bytes), /node shaped \(number 1\): Reshape: shape must be/);
  });
});

describe("reading ONNX: quantised models", () => {
  it("counts and lists quantised weights, and notes what derivatives do", async () => {
    const model = await f.readWell(qdqModel.bytes);
    assert.equal(model.parameters, 8 + 2 + 24 + 2 + 2 + 1 + 1 + 1);
    assert.deepEqual(
      layersOf(model.graph).map(({ name, units }) => [name, units]),
      [
        ["conv", 2],
        ["fc", 3],
      ],
    );
    assert.deepEqual(model.notes, [
      "3 values are quantised: derivatives go straight through the rounding, as if it were not there",
    ]);
  });
});

describe("reading ONNX: weights that are no numbers", () => {
  it("opens the model and names them", async () => {
    const model = await f.readWell(
      f.fileOf({
        nodes: [f.nodeOf("Mul", ["x", "bad"], ["a"]), f.nodeOf("Add", ["a", "good"], ["y"])],
        tensors: [
          f.floats("bad", [3], [Number.NaN, 1, Number.NaN]),
          f.floats("good", [3], [1, Number.NEGATIVE_INFINITY, 2]),
        ],
        inputs: [f.info("x", [3])],
        outputs: [f.info("y", [3])],
      }),
    );
    assert.deepEqual(weightsWithNaN(model.graph), [{ tensor: "bad", count: 2 }]);
  });

  it("names element types that are not supported", async () => {
    const bytes = f.fileOf({
      nodes: [f.nodeOf("Identity", ["w"], ["y"])],
      tensors: [f.tensorOf("w", 17, [2], [])],
      outputs: [f.info("y", [2])],
    });
    assert.match(
      await problemsOf(bytes),
      /tensor w: tensors of element type float8e4m3fn are not supported/,
    );
  });
});

describe("hostile ONNX files: functions, branches and other operators", () => {
  const files = [...structuredModels, ...contribModels, qdqModel].map((m) => m.bytes);

  it("survives changed bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(files.length - 1),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (which, changes) => {
          const bytes = files[which]!.slice();
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const { model, problems } = await f.readBytes(bytes);
          assert.ok(model !== undefined || problems.length > 0);
          for (const p of problems) assert.ok(p.message.length > 0 && p.at.place !== undefined);
          if (model !== undefined) await loadWeights(model.graph);
        },
      ),
      { numRuns: 1000, seed: 11 },
    );
  }).timeout(60_000);
});
