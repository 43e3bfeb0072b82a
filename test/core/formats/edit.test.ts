import assert from "node:assert/strict";
import type { Edit } from "#core/formats/edits.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { concat, delimited, type Pieces, varint } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, topological } from "#core/ir/graph.ts";
import * as f from "./support.ts";

const note = (text: string): Pieces => delimited(900, text);
const metadata = delimited(14, [...delimited(1, "author"), ...delimited(2, "me"), ...note("kept")]);

/** x[N, 2] → Gemm w1[2, 4] → Relu → Gemm w2[4, 3] → y[N, 3], with much that Kaibo does not read. */
const mlp = (first: Pieces = f.floats("w1", [2, 4], f.range(8)), ir = 8) =>
  f.fileOf({
    ir,
    nodes: [
      [...f.nodeOf("Gemm", ["x", "w1", "b1"], ["h"], [], { name: "fc1" }), ...note("in a node")],
      f.nodeOf("Relu", ["h"], ["a"]),
      [...f.nodeOf("Gemm", ["a", "w2"], ["y"]), ...delimited(6, "a doc string")],
    ],
    tensors: [
      [...first, ...delimited(12, "doc of w1"), ...note("in a tensor")],
      f.floats("b1", [4], [10, 11, 12, 13]),
      f.floats("w2", [4, 3], f.range(12)),
    ],
    inputs: [f.info("x", ["N", 2]), ...(ir < 4 ? [f.info("w1", [2, 4]), f.info("b1", [4])] : [])],
    outputs: [f.info("y", ["N", 3])],
    values: [f.info("h", ["N", 4]), [...f.info("a", ["N", 4]), ...delimited(3, "doc of a")]],
    inGraph: note("in the graph"),
    inModel: [...metadata, ...note("at the end")],
  });

/** The same after units 1 and 2 of four are gone: every number worked out by hand. */
const smaller = (first: Pieces, ir = 8) =>
  f.fileOf({
    ir,
    nodes: [
      [...f.nodeOf("Gemm", ["x", "w1", "b1"], ["h"], [], { name: "fc1" }), ...note("in a node")],
      f.nodeOf("Relu", ["h"], ["a"]),
      [...f.nodeOf("Gemm", ["a", "w2"], ["y"]), ...delimited(6, "a doc string")],
    ],
    tensors: [
      [...first, ...delimited(12, "doc of w1"), ...note("in a tensor")],
      f.floats("b1", [2], [10, 13]),
      f.floats("w2", [2, 3], [0, 1, 2, 9, 10, 11]),
    ],
    inputs: [f.info("x", ["N", 2]), ...(ir < 4 ? [f.info("w1", [2, 2]), f.info("b1", [2])] : [])],
    outputs: [f.info("y", ["N", 3])],
    values: [f.info("h", ["N", 2]), [...f.info("a", ["N", 2]), ...delimited(3, "doc of a")]],
    inGraph: note("in the graph"),
    inModel: [...metadata, ...note("at the end")],
  });

const units: readonly Edit[] = [
  { tensor: "w1", axis: 1, remove: [1, 2] },
  { tensor: "b1", axis: 0, remove: [1, 2] },
  { tensor: "w2", axis: 0, remove: [1, 2] },
];

const cutW1 = [0, 3, 4, 7];

async function edit(bytes: Uint8Array, edits: readonly Edit[], siblings = f.siblingsOf({})) {
  const { file, model, problems } = await onnx.applyEdits(f.sourceOf(bytes), siblings, edits);
  assert.deepEqual(f.lines(problems), []);
  const result = await f.bytesOf(file!.pieces());
  assert.equal(result.length, file!.size);
  return { bytes: result, model: model! };
}

async function refused(bytes: Uint8Array, ...edits: readonly Edit[]): Promise<string> {
  const { file, problems } = await onnx.applyEdits(f.sourceOf(bytes), f.siblingsOf({}), edits);
  assert.equal(file, undefined);
  return f.lines(problems).join("; ");
}

describe("editing ONNX", () => {
  it("cuts tensors and what the file notes of their shapes, and leaves every other byte", async () => {
    assert.deepEqual((await edit(mlp(), units)).bytes, smaller(f.floats("w1", [2, 2], cutW1)));
  });

  it("follows the shapes of initialisers that are listed as inputs", async () => {
    const before = mlp(undefined, 3);
    assert.deepEqual((await edit(before, units)).bytes, smaller(f.floats("w1", [2, 2], cutW1), 3));
  });

  it("turns typed fields into raw_data, where they stood", async () => {
    const typed = f.tensorOf(
      "w1",
      1,
      [2, 4],
      delimited(4, f.bytesLE(Float32Array.from(f.range(8)))),
    );
    assert.deepEqual((await edit(mlp(typed), units)).bytes, smaller(f.floats("w1", [2, 2], cutW1)));
  });

  it("takes external data into the file", async () => {
    const entry = (key: string, value: string) =>
      delimited(13, [...delimited(1, key), ...delimited(2, value)]);
    const external = f.tensorOf("w1", 1, [2, 4], [...entry("location", "w.bin"), varint(14, 1)]);
    const files = f.siblingsOf({ "w.bin": f.bytesLE(Float32Array.from(f.range(8))) });
    assert.deepEqual(
      (await edit(mlp(external), units, files)).bytes,
      smaller(f.floats("w1", [2, 2], cutW1)),
    );
  });

  it("names the external data that goes with it", async () => {
    const entry = (key: string, value: string) =>
      delimited(13, [...delimited(1, key), ...delimited(2, value)]);
    const external = f.tensorOf("w1", 1, [2, 4], [...entry("location", "w.bin"), varint(14, 1)]);
    const data = f.bytesLE(Float32Array.from(f.range(8)));
    const edited = await onnx.applyEdits(
      f.sourceOf(mlp(external), "tiny.onnx"),
      f.siblingsOf({ "w.bin": data }),
      [],
    );
    const [other, ...more] = edited.others ?? [];
    assert.deepEqual(more, []);
    assert.deepEqual([other?.path, other?.unchanged], ["w.bin", true]);
    assert.deepEqual(await f.bytesOf(other!.file.pieces()), data);
  });

  it("keeps 16-bit floats as they are stored", async () => {
    const bits = f.range(8).map((i) => 0x3c00 + i);
    const half = (dims: number[], values: number[]) =>
      f.tensorOf("w1", 10, dims, delimited(9, f.bytesLE(Uint16Array.from(values))));
    const alone = (w: Pieces) =>
      f.fileOf({
        nodes: [f.nodeOf("Identity", ["w1"], ["y"])],
        tensors: [w],
        outputs: [f.info("y", ["a", "b"], 10)],
      });
    const { bytes } = await edit(alone(half([2, 4], bits)), [
      { tensor: "w1", axis: 1, remove: [0, 3] },
    ]);
    assert.deepEqual(
      bytes,
      alone(
        half(
          [2, 2],
          [1, 2, 5, 6].map((i) => 0x3c00 + i),
        ),
      ),
    );
  });

  it("tells what the edited model is, with its weights", async () => {
    const { model, bytes } = await edit(mlp(), units);
    await loadWeights(model.graph);
    const again = await f.readWell(bytes);
    await loadWeights(again.graph);
    const constants = (graph: typeof model.graph) =>
      topological(graph.outputs).flatMap((n) => {
        const t = constantOf(n.outputs[0]);
        return t === undefined ? [] : [[n.name, t.shape, Array.from(t.data)]];
      });
    assert.deepEqual(constants(model.graph), constants(again.graph));
    assert.equal(model.parameters, 4 + 2 + 6);
  });

  it("replaces the numbers of a Reshape and of Constant nodes of every form", async () => {
    const forms: ((n: number) => Pieces)[] = [
      (n) => f.tensorAttr("value", f.int64s("", [0, n])),
      (n) => f.intsAttr("value_ints", [0, n]),
    ];
    for (const form of forms) {
      const file = (n: number, more: number) =>
        f.fileOf({
          nodes: [
            f.nodeOf("Constant", [], ["shape"], [form(n)]),
            f.nodeOf("Mul", ["x", "w"], ["h"]),
            f.nodeOf("Reshape", ["h", "shape"], ["y"]),
          ],
          tensors: [f.floats("w", [more, 1], f.range(more))],
          inputs: [f.info("x", ["N", 1, 5])],
          outputs: [f.info("y", ["N", n])],
        });
      const edits: Edit[] = [
        { tensor: "w", axis: 0, remove: [3] },
        { tensor: "shape", replace: [0, 15] },
      ];
      assert.deepEqual((await edit(file(20, 4), edits)).bytes, file(15, 3));
    }
  });

  it("cuts along several axes of one tensor", async () => {
    const alone = (dims: number[], values: number[]) =>
      f.fileOf({
        nodes: [f.nodeOf("Identity", ["w"], ["y"])],
        tensors: [f.floats("w", dims, values)],
        outputs: [f.info("y", dims)],
      });
    const edits: Edit[] = [
      { tensor: "w", axis: 0, remove: [0] },
      { tensor: "w", axis: 2, remove: [1] },
    ];
    assert.deepEqual(
      (await edit(alone([2, 2, 2], f.range(8)), edits)).bytes,
      alone([1, 2, 1], [4, 6]),
    );
  });

  it("changes nothing without edits", async () => {
    assert.deepEqual((await edit(mlp(), [])).bytes, mlp());
  });

  it("refuses edits that do not fit the tensor or each other, before anything is written", async () => {
    const cut = (axis: number, ...remove: number[]): Edit => ({ tensor: "w1", axis, remove });
    assert.match(
      await refused(mlp(), { tensor: "w9", axis: 0, remove: [0] }),
      /tensor w9: there is no such tensor/,
    );
    assert.match(await refused(mlp(), cut(2, 0)), /tensor w1: there is no axis 2/);
    assert.match(await refused(mlp(), cut(1, 4)), /ascending indices below 4/);
    assert.match(await refused(mlp(), cut(1, 1, 1)), /ascending indices/);
    assert.match(await refused(mlp(), cut(0, 0, 1)), /nothing would be left/);
    assert.match(
      await refused(mlp(), { tensor: "w1", replace: [1] }),
      /only integers are replaced/,
    );
    // One unit less of w1 alone no longer fits the bias.
    assert.match(await refused(mlp(), cut(1, 0)), /node fc1 \(number 0\): Gemm/);
  });

  it("edits a model of which it can read only a part", async () => {
    const file = (n: number) =>
      f.fileOf({
        nodes: [
          f.nodeOf("Add", ["x", "w"], ["h"]),
          f.nodeOf("Mystery", ["h"], ["y"], [], { domain: "my.own" }),
        ],
        tensors: [f.floats("w", [n, 1], f.range(n))],
        inputs: [f.info("x", [1, 5])],
        outputs: [f.info("y", [4])],
        values: [f.info("h", [n, 5])],
      });
    assert.deepEqual((await edit(file(4), [{ tensor: "w", axis: 0, remove: [3] }])).bytes, file(3));
  });

  it("passes large tensors that are not edited on in pieces", async () => {
    const file = (n: number) =>
      f.fileOf({
        nodes: [f.nodeOf("Add", ["x", "w"], ["h"]), f.nodeOf("Add", ["h", "b"], ["y"])],
        tensors: [
          f.tensorOf("w", 1, [3_000_000], delimited(9, new Uint8Array(12_000_000).fill(1))),
          f.floats("b", [n, 1], f.range(n)),
        ],
        inputs: [f.info("x", [3_000_000])],
        outputs: [f.info("y", [n, 3_000_000])],
      });
    const { file: edited } = await onnx.applyEdits(f.sourceOf(file(3)), f.siblingsOf({}), [
      { tensor: "b", axis: 0, remove: [2] },
    ]);
    const sizes: number[] = [];
    const all: Uint8Array[] = [];
    for await (const piece of edited!.pieces()) {
      sizes.push(piece.length);
      all.push(piece);
    }
    assert.ok(Math.max(...sizes) <= 4 * 1024 * 1024, "pieces of 4 MiB");
    assert.ok(Buffer.compare(concat(all), file(2)) === 0);
  });
});
