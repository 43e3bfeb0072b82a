import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { loadWeights } from "#core/formats/weights.ts";
import { bindLengths } from "#core/ir/lengths.ts";
import { known, size } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { readWell } from "../core/formats/support.ts";
import { normal } from "../support/build.ts";
import { contribModels } from "../support/contribModels.ts";
import { assertNear } from "../support/numbers.ts";
import { type OwnModel, qdqModel, structuredModels } from "../support/ownModels.ts";

/** The file as ONNX Runtime runs it, and as Kaibo reads it: by both runtimes. */
async function compare({ bytes, step = 0 }: OwnModel): Promise<void> {
  const model = await readWell(bytes);
  await loadWeights(model.graph);
  const { graph } = bindLengths(model.graph, new Map([["batch", 2]]));
  verify(graph);
  const [x] = graph.inputs;
  assert.ok(x !== undefined);
  const feed = normal(known(x.shape), 5);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const given = new ort.Tensor(Float32Array.from(feed.data), known(x.shape));
  const expected = (await session.run({ x: given })).y!;
  await session.release();
  const [reference] = evaluate(graph.outputs, new Map([[x, feed]]));
  const program = await onnxRuntime.compile(graph);
  const [found] = await program.run([feed]);
  await program.release();
  for (const [what, own] of Object.entries({ reference, onnxruntime: found })) {
    assert.deepEqual([...own!.shape], [...expected.dims], what);
    assert.equal(own!.data.length, size(own!.shape));
    assertNear(own!.data, expected.data as Float32Array, 2e-5 + 1.001 * step, what);
  }
}

describe("operators of ONNX Runtime's own, written with ONNX's", function () {
  this.timeout(30_000);
  for (const model of contribModels) it(model.title, () => compare(model));
});

describe("models with quantised values", () => {
  it("run as ONNX Runtime runs them", () => compare(qdqModel));
});

describe("functions, branches and computed lengths, as ONNX Runtime runs them", function () {
  this.timeout(30_000);
  for (const model of structuredModels) it(model.title, () => compare(model));
});
