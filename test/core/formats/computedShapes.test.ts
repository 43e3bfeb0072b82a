import assert from "node:assert/strict";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { float32 } from "#core/ir/tensor.ts";
import { planPrune } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import * as f from "./support.ts";

/** x[N, 2] → dense 6 → Reshape to the computed [N, 6, 1, 1] → Conv. */
const file = (ir: number) =>
  f.fileOf({
    ir,
    opset: 11,
    nodes: [
      f.nodeOf("Gemm", ["x", "w"], ["h"], [], { name: "dense" }),
      f.nodeOf("Shape", ["x"], ["all"]),
      f.nodeOf("Gather", ["all", "first"], ["n"]),
      f.nodeOf("Concat", ["n", "rest"], ["computed"], [f.intAttr("axis", 0)]),
      f.nodeOf("Reshape", ["h", "computed"], ["r"], [], { name: "map" }),
      f.nodeOf("Conv", ["r", "k"], ["y"], [], { name: "conv" }),
    ],
    tensors: [
      f.floats("w", [2, 6], f.range(12)),
      f.floats("k", [3, 6, 1, 1], f.range(18)),
      f.int64s("first", [0]),
      f.int64s("rest", [6, 1, 1]),
    ],
    inputs: [f.info("x", ["N", 2])],
    outputs: [f.info("y", ["N", 3, 1, 1])],
  });

const occurrences = (bytes: Uint8Array, text: string): number =>
  Buffer.from(bytes).toString("latin1").split(text).length - 1;

describe("a shape that the file computes", () => {
  for (const [ir, times] of [
    [3, 3],
    [8, 2],
  ] as const)
    it(`becomes a stored one where it does not follow by itself (IR version ${ir})`, async () => {
      const { graph } = await f.readWell(file(ir));
      const planned = planPrune(graph, [{ layer: "dense", units: [1, 4] }]);
      assert.ok("plan" in planned);
      const edited = await onnx.applyEdits(
        f.sourceOf(file(ir)),
        f.siblingsOf({}),
        planned.plan.edits,
      );
      assert.deepEqual(f.lines(edited.problems), []);
      const bytes = await f.bytesOf(edited.file!.pieces());
      assert.equal(bytes.length, edited.file!.size);
      // The node reads it, the initialiser has it; of old files the graph's inputs name it, too.
      assert.equal(occurrences(bytes, "map/shape"), times);
      const after = (await f.readWell(bytes)).graph;
      const x = float32([2, 2], [1, 2, 3, 4]);
      const run = (g: typeof after) => evaluate(g.outputs, new Map([[g.inputs[0]!, x]]));
      const [y] = run(after);
      const kept = [0, 2, 3, 5];
      const h = [0, 1].map((b) =>
        kept.map((u) => x.data[2 * b]! * W[u]! + x.data[2 * b + 1]! * W[6 + u]!),
      );
      const expected = h.flatMap((own) =>
        [0, 1, 2].map((o) => kept.reduce((sum, u, i) => sum + own[i]! * K[6 * o + u]!, 0)),
      );
      assert.deepEqual([...y!.data], expected);
      assert.deepEqual(y!.shape, [2, 3, 1, 1]);
    });
});

const W = f.range(12);
const K = f.range(18);
