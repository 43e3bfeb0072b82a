import assert from "node:assert/strict";
import { bindBatch } from "#core/formats/batch.ts";
import type { Pieces } from "#core/formats/onnx/pieces.ts";
import type { Dim } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import * as f from "./support.ts";

async function bind(
  batch: Dim,
  dims: (number | string)[],
  nodes: Pieces[],
  tensors: Pieces[] = [],
) {
  const bytes = f.fileOf({
    nodes,
    tensors,
    inputs: [f.info("x", dims)],
    outputs: [f.info("y", [])],
  });
  const model = await f.readWell(bytes);
  const bound = bindBatch(model.graph, batch);
  if (bound.kind === "refused") return `${bound.at}: ${bound.because}`;
  verify(bound.graph);
  return [...bound.graph.inputs, ...bound.graph.outputs].map((v) => v.shape);
}

const pool = f.nodeOf(
  "MaxPool",
  ["x"],
  ["p"],
  [f.intsAttr("kernel_shape", [2, 2]), f.intsAttr("strides", [2, 2])],
);
const reshape = (from: string) => f.nodeOf("Reshape", [from, "s"], ["y"], [], { name: "flat" });

describe("binding the batch", () => {
  it("gives a symbolic batch a size, and a size a name", async () => {
    const nodes = [f.nodeOf("Relu", ["x"], ["y"])];
    assert.deepEqual(await bind(8, ["batch", 3], nodes), [
      [8, 3],
      [8, 3],
    ]);
    assert.deepEqual(await bind("N", [1, 3], nodes), [
      ["N", 3],
      ["N", 3],
    ]);
    assert.deepEqual(await bind(1, ["batch", 3], nodes), [
      [1, 3],
      [1, 3],
    ]);
  });

  it("frees a model that was exported for one sample, targets of Reshape included", async () => {
    for (const [batch, target] of [
      [8, [1, 12]],
      ["N", [1, 12]],
      [8, [1, -1]],
      ["N", [-1, 12]],
      [8, [0, 12]],
    ] as [Dim, number[]][])
      assert.deepEqual(
        await bind(batch, [1, 3, 4, 4], [pool, reshape("p")], [f.int64s("s", target)]),
        [
          [batch, 3, 4, 4],
          [batch, 12],
        ],
      );
  });

  it("leaves weights with a leading 1 alone", async () => {
    const nodes = [f.nodeOf("Add", ["x", "w"], ["y"])];
    assert.deepEqual(await bind(8, [1, 3], nodes, [f.floats("w", [1, 3], [1, 2, 3])]), [
      [8, 3],
      [8, 3],
    ]);
  });

  it("refuses where samples would mix or the batch would move, with the node", async () => {
    const named = (type: string, attrs: Pieces[] = []) => [
      f.nodeOf(type, ["x"], ["y"], attrs, { name: "it" }),
    ];
    assert.match(
      String(await bind(8, [1, 3], named("Transpose"))),
      /^Transpose node it: it is an output that does not lead with the batch/,
    );
    assert.match(
      String(await bind(8, [1, 3], named("Softmax", [f.intAttr("axis", 0)]))),
      /goes over the axis of the batch/,
    );
    assert.match(
      String(await bind(8, [1, 3], named("Flatten", [f.intAttr("axis", 0)]))),
      /^Flatten node it: it is an output that does not lead with the batch/,
    );
    const twice = [f.nodeOf("Concat", ["x", "x"], ["y"], [f.intAttr("axis", 0)], { name: "it" })];
    assert.match(String(await bind(8, [1, 3], twice)), /^Concat node it/);
    assert.match(
      String(await bind(8, [1, 4, 3], [reshape("x")], [f.int64s("s", [4, 3])])),
      /^Reshape node flat/,
    );
  });

  it("gives every sample what the file has for the only one", async () => {
    const nodes = [
      f.nodeOf("Concat", ["token", "x"], ["c"], [f.intAttr("axis", 1)]),
      f.nodeOf("Add", ["c", "places"], ["y"]),
    ];
    const tensors = [
      f.floats("token", [1, 1, 2], [1, 2]),
      f.floats("places", [1, 4, 2], f.range(8)),
    ];
    for (const batch of [5, "N"])
      assert.deepEqual(await bind(batch, [1, 3, 2], nodes, tensors), [
        [batch, 3, 2],
        [batch, 4, 2],
      ]);
  });

  it("follows the samples to other axes and into merged ones", async () => {
    const transpose = (from: string, to: string, perm: number[]) =>
      f.nodeOf("Transpose", [from], [to], [f.intsAttr("perm", perm)]);
    const windows = [
      f.nodeOf("Reshape", ["x", "cut"], ["a"]),
      transpose("a", "b", [0, 2, 1, 3]),
      f.nodeOf("Reshape", ["b", "merge"], ["c"]),
      f.nodeOf("Softmax", ["c"], ["d"], [f.intAttr("axis", 1)]),
      f.nodeOf("Reshape", ["d", "part"], ["e"]),
      transpose("e", "y", [0, 2, 1, 3]),
    ];
    const tensors = (batch: number) => [
      f.int64s("cut", [batch, 3, 2, 4]),
      f.int64s("merge", [batch * 2, 3, 4]),
      f.int64s("part", [batch, 2, 3, 4]),
    ];
    assert.deepEqual(await bind(6, [1, 6, 4], windows, tensors(1)), [
      [6, 6, 4],
      [6, 3, 2, 4],
    ]);
    const timeFirst = (axis: number) => [
      transpose("x", "t", [1, 0, 2]),
      f.nodeOf("Softmax", ["t"], ["s"], [f.intAttr("axis", axis)], { name: "it" }),
      transpose("s", "y", [1, 0, 2]),
    ];
    assert.deepEqual(await bind(6, [1, 3, 4], timeFirst(0)), [
      [6, 3, 4],
      [6, 3, 4],
    ]);
    assert.match(
      String(await bind(6, [1, 3, 4], timeFirst(1))),
      /^Softmax node it: it goes over the axis of the batch/,
    );
  });

  it("refuses sums over the samples and picks among them", async () => {
    const named = (type: string, inputs: string[], attrs: Pieces[] = []) => [
      f.nodeOf(type, inputs, ["y"], attrs, { name: "it" }),
    ];
    assert.match(
      String(
        await bind(8, ["batch", 3], named("ReduceSum", ["x", "axes"]), [f.int64s("axes", [0])]),
      ),
      /^ReduceSum node it: it joins the samples of a batch/,
    );
    assert.match(
      String(await bind(8, ["batch", 3], named("CumSum", ["x", "a"]), [f.int64s("a", [0])])),
      /^CumSum node it: it goes over the axis of the batch/,
    );
    assert.match(
      String(await bind(8, ["batch", 3], named("Gather", ["x", "i"]), [f.int64s("i", [0])])),
      /^Gather node it: it goes over the axis of the batch/,
    );
  });
});
