import assert from "node:assert/strict";
import type { Edit } from "#core/formats/edits.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { delimited, type Pieces } from "#core/formats/onnx/pieces.ts";
import { constantOf, topological } from "#core/ir/graph.ts";
import { planPrune } from "#core/prune/plan.ts";
import * as f from "./support.ts";

const doc = delimited(13, "a doc string");

/** x[1, 2, 2, 2] → Conv of n/2 groups of two → Split in parts of `lengths` → each its own output. */
const grouped = (n: number, lengths: readonly number[], opset: number) =>
  f.fileOf({
    opset,
    nodes: [
      f.nodeOf("Conv", ["x", "w0"], ["wide"], [], { name: "wide" }),
      f.nodeOf("Conv", ["wide", "w"], ["h"], [[...doc, ...f.intAttr("group", n / 2)]], {
        name: "grouped",
      }),
      split(lengths, opset),
      f.nodeOf("Conv", ["a", "wa"], ["y"], [], { name: "head" }),
      f.nodeOf("Conv", ["b", "wb"], ["z"], [], { name: "tail" }),
    ],
    tensors: [
      f.floats("w0", [n, 2, 1, 1], f.range(2 * n)),
      f.floats("w", [n, 2, 1, 1], f.range(2 * n)),
      f.floats("wa", [1, lengths[0]!, 1, 1], f.range(lengths[0]!)),
      f.floats("wb", [1, lengths[1]!, 1, 1], f.range(lengths[1]!)),
      ...(opset < 13 ? [] : [f.int64s("lengths", lengths)]),
    ],
    inputs: [f.info("x", [1, 2, 2, 2])],
    outputs: [f.info("y", [1, 1, 2, 2]), f.info("z", [1, 1, 2, 2])],
  });

/** As an attribute, and since opset 13 as an input. */
const split = (lengths: readonly number[], opset: number): Pieces =>
  opset < 13
    ? f.nodeOf("Split", ["h"], ["a", "b"], [f.intAttr("axis", 1), f.intsAttr("split", lengths)])
    : f.nodeOf("Split", ["h", "lengths"], ["a", "b"], [f.intAttr("axis", 1)]);

async function refused(bytes: Uint8Array, ...edits: readonly Edit[]): Promise<string> {
  const { file, problems } = await onnx.applyEdits(f.sourceOf(bytes), f.siblingsOf({}), edits);
  assert.equal(file, undefined);
  return f.lines(problems).join("; ");
}

describe("attributes of an ONNX file", () => {
  for (const opset of [11, 18])
    it(`follow the units that go (opset ${opset})`, async () => {
      const bytes = grouped(10, [7, 3], opset);
      const { graph } = await f.readWell(bytes);
      const planned = planPrune(graph, [{ layer: "wide", units: [8] }]);
      assert.ok("plan" in planned);
      const { edits, removed } = planned.plan;
      assert.deepEqual(removed, [
        { layer: "wide", units: [8, 9] },
        { layer: "grouped", units: [8, 9] },
      ]);
      const edited = await onnx.applyEdits(f.sourceOf(bytes), f.siblingsOf({}), edits);
      assert.deepEqual(f.lines(edited.problems), []);
      // The last group goes, so the smaller file is the one that is made with smaller numbers.
      const expected = f.fileOf({
        opset,
        nodes: [
          f.nodeOf("Conv", ["x", "w0"], ["wide"], [], { name: "wide" }),
          f.nodeOf("Conv", ["wide", "w"], ["h"], [[...doc, ...f.intAttr("group", 4)]], {
            name: "grouped",
          }),
          split([7, 1], opset),
          f.nodeOf("Conv", ["a", "wa"], ["y"], [], { name: "head" }),
          f.nodeOf("Conv", ["b", "wb"], ["z"], [], { name: "tail" }),
        ],
        tensors: [
          f.floats("w0", [8, 2, 1, 1], f.range(16)),
          f.floats("w", [8, 2, 1, 1], f.range(16)),
          f.floats("wa", [1, 7, 1, 1], f.range(7)),
          f.floats("wb", [1, 1, 1, 1], [0]),
          ...(opset < 13 ? [] : [f.int64s("lengths", [7, 1])]),
        ],
        inputs: [f.info("x", [1, 2, 2, 2])],
        outputs: [f.info("y", [1, 1, 2, 2]), f.info("z", [1, 1, 2, 2])],
      });
      const found = await f.bytesOf(edited.file!.pieces());
      assert.deepEqual(await structure(found), await structure(expected));
      assert.equal(found.length, edited.file!.size);
      assert.ok(Buffer.from(found).includes("a doc string"));
    });

  it("are not changed where the node is not in the file, or tells them in another way", async () => {
    const bytes = grouped(8, [4, 4], 18);
    assert.match(
      await refused(bytes, { node: 99, attribute: "group", value: 1 }),
      /group would have to become 1: there is no such node in the file/,
    );
    const { graph } = await f.readWell(bytes);
    const planned = planPrune(graph, [{ layer: "wide", units: [0] }]);
    assert.ok("plan" in planned);
    const group = planned.plan.edits.find((e) => "attribute" in e && e.attribute === "group");
    assert.ok(group !== undefined && "attribute" in group);
    assert.match(
      await refused(bytes, { ...group, attribute: "auto_pad" }),
      /the file leaves it out/,
    );
    // Groups that do not fit the weights are a problem before anything is written.
    assert.match(await refused(bytes, group), /Conv/);
  });

  it("are a list of their own where another node reads the list as it is", async () => {
    const twice = f.fileOf({
      opset: 18,
      nodes: [
        f.nodeOf("Conv", ["x", "w"], ["h"], [], { name: "conv" }),
        f.nodeOf("Split", ["h", "lengths"], ["a", "b"], [f.intAttr("axis", 1)]),
        f.nodeOf("Split", ["x", "lengths"], ["c", "d"], [f.intAttr("axis", 1)]),
        f.nodeOf("Conv", ["a", "wa"], ["y"], [], { name: "head" }),
        f.nodeOf("Conv", ["b", "wa"], ["z"], [], { name: "tail" }),
      ],
      tensors: [
        f.floats("w", [4, 4, 1, 1], f.range(16)),
        f.floats("wa", [1, 2, 1, 1], f.range(2)),
        f.int64s("lengths", [2, 2]),
      ],
      inputs: [f.info("x", [1, 4, 2, 2])],
      outputs: [
        f.info("y", [1, 1, 2, 2]),
        f.info("z", [1, 1, 2, 2]),
        f.info("c", [1, 2, 2, 2]),
        f.info("d", [1, 2, 2, 2]),
      ],
    });
    const { graph } = await f.readWell(twice);
    const planned = planPrune(graph, [{ layer: "conv", units: [0] }]);
    assert.ok("plan" in planned);
    // Both parts are read through one kernel, so that both lose a unit.
    assert.deepEqual(planned.plan.removed, [{ layer: "conv", units: [0, 2] }]);
    const edited = await onnx.applyEdits(f.sourceOf(twice), f.siblingsOf({}), planned.plan.edits);
    assert.deepEqual(f.lines(edited.problems), []);
    const after = await f.readWell(await f.bytesOf(edited.file!.pieces()));
    const splits = topological(after.graph.outputs).flatMap(({ attrs }) =>
      attrs.split ? [attrs.split] : [],
    );
    assert.deepEqual(splits, [
      [1, 1],
      [2, 2],
    ]);
  });
});

/** What a file says, whatever the order of its fields. */
async function structure(bytes: Uint8Array) {
  const { graph } = await f.readWell(bytes);
  return topological(graph.outputs).map((node) => ({
    type: typeof node.operator === "string" ? node.operator : node.operator.type,
    name: node.name,
    attrs: { ...node.attrs, value: undefined },
    data: [...(constantOf(node.outputs[0])?.data ?? [])],
    shapes: node.outputs.map((v) => v.shape),
  }));
}
