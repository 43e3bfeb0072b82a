import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { fold } from "#core/compile/fold.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { delimited } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, type Graph, nodesOf } from "#core/ir/graph.ts";
import { float32, type Tensor } from "#core/ir/tensor.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { openModel, readModel } from "#server/files/openModel.ts";
import { ENGINES, engine as engineOf } from "#server/runtime/engines.ts";
import * as f from "../core/formats/support.ts";
import { assertNear } from "../support/numbers.ts";
import { writePruned } from "../support/prunedFile.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** See fixtures/fourBits/make.py: what ONNX Runtime and ONNX's own evaluator say. */
const path = fileURLToPath(new URL("../fixtures/fourBits/model.onnx", import.meta.url));
const expected: {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
} = JSON.parse(
  readFileSync(new URL("../fixtures/fourBits/expected.json", import.meta.url), "utf8"),
);

const SAMPLES = 6;
const x = float32([SAMPLES, 8], expected.x);

async function bound(graph: Graph): Promise<Graph> {
  const all = bindBatch(graph, SAMPLES);
  assert.ok(all.kind === "bound");
  await loadWeights(all.graph);
  return all.graph;
}

describe("4-bit integers in ONNX files", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("are taken apart: signed and unsigned, an odd number of them, in raw_data and int32_data", async () => {
    const { graph } = await readModel(path);
    await loadWeights(graph);
    const stored = new Map(nodesOf(graph).map((n) => [n.name, constantOf(n.outputs[0])]));
    for (const [name, values] of Object.entries(expected.weights)) {
      const { dtype, data } = stored.get(name)!;
      assert.equal(dtype, name === "fc1.weight" ? "uint8" : "int8");
      assert.deepEqual([...data], values, name);
    }
  });

  for (const name of ["reference", ...ENGINES] as const)
    it(`stand for the numbers that ONNX Runtime takes them for, in ${name}`, async () => {
      const graph = await bound((await readModel(path)).graph);
      const run = async (): Promise<Tensor> => {
        if (name === "reference")
          return evaluate(graph.outputs, new Map([[graph.inputs[0]!, x]]))[0]!;
        const program = await (await engineOf(name)).compile(fold(graph));
        const [y] = await program.run([x]);
        await program.release();
        return y!;
      };
      assertNear((await run()).data, expected.y, 1e-5);
    });

  it("are cut and packed again; ONNX Runtime gives what the masked original gives", async () => {
    const units = [{ layer: "fc2", units: [1, 2] }];
    const opened = await openModel(path);
    const planned = planPrune(opened.model!.graph, units);
    assert.ok("plan" in planned);
    const pruned = await writePruned(opened, path, planned.plan, folder.file("."));
    await opened.close();
    const bytes = readFileSync(pruned.path);
    assert.ok(bytes.length < readFileSync(path).length);
    const shapes = new Map(nodesOf(pruned.model.graph).map((n) => [n.name, n.outputs[0]!.shape]));
    assert.deepEqual(shapes.get("fc2.weight"), [7, 3]);
    assert.deepEqual(shapes.get("fc2.scale"), [2, 3]);
    assert.deepEqual(shapes.get("fc3.weight"), [3, 3]);
    const session = await ort.InferenceSession.create(bytes);
    const { y } = await session.run({
      x: new ort.Tensor("float32", x.data as Float32Array, x.shape),
    });
    const graph = await bound((await readModel(path)).graph);
    const again = planPrune(graph, units);
    assert.ok("plan" in again);
    const masked = maskUnits(graph, again.plan.masks);
    const [wanted] = evaluate(masked.outputs, new Map([[masked.inputs[0]!, x]]));
    assertNear(y!.data as Float32Array, wanted!.data, 1e-5);
  });

  it("are not cut along blocks that share a scale: the refusal says so", async () => {
    const planned = planPrune((await readModel(path)).graph, [{ layer: "fc1", units: [0] }]);
    assert.ok("refusal" in planned);
    assert.match(planned.refusal.because, /DequantizeLinear shares scales among units/);
  });

  const problems = async (...parts: Parameters<typeof f.fileOf>) =>
    f.lines((await f.readBytes(f.fileOf(...parts))).problems).join("; ");
  const INT4 = 22;

  it("must be as many as the shape says", async () => {
    const tensor = f.tensorOf("w", INT4, [5], delimited(9, Uint8Array.of(1, 2)));
    const node = f.nodeOf("DequantizeLinear", ["w", "s"], ["y"]);
    const file = { nodes: [node], outputs: [f.info("y", [5])] };
    assert.match(
      await problems({ ...file, tensors: [tensor, f.floats("s", [], [1])] }),
      /tensor w: shape \[5\] of int4 needs 3 bytes, there are 2/,
    );
  });

  it("are named where nothing is made of them", async () => {
    const given = { inputs: [f.info("x", [2])], outputs: [f.info("y", [2], INT4)] };
    const cast = f.nodeOf("Cast", ["x"], ["y"], [f.intAttr("to", INT4)]);
    assert.match(await problems({ ...given, nodes: [cast] }), /Cast: element type int4 is not/);
    const value = f.tensorAttr("value", f.tensorOf("", INT4, [1], delimited(9, Uint8Array.of(1))));
    const filled = f.nodeOf("ConstantOfShape", ["n"], ["y"], [value]);
    assert.match(
      await problems({ ...given, nodes: [filled], tensors: [f.int64s("n", [2])] }),
      /attribute value has element type int4, which is not supported there/,
    );
  });
});
