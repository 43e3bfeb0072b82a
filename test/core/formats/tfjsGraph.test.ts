import assert from "node:assert/strict";
import { join } from "node:path";
import { float32 } from "#core/ir/tensor.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { assertNear } from "../../support/numbers.ts";
import * as f from "./support.ts";
import * as t from "./tfjsSupport.ts";

const TOLERANCE = 1e-4;

/** Relative to the largest of the tensor, as sums of float32 are. */
function assertClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  const largest = Math.max(1, ...expected.map(Math.abs));
  assertNear(actual, expected, TOLERANCE * largest, what);
}

describe("TensorFlow.js graph models", () => {
  const names = [
    "cnn",
    "residual",
    "padded",
    "separable",
    "dilated",
    "pointwise",
    "reductions",
    "shapes",
    "images",
    "video",
    "attention",
  ];
  for (const name of names)
    it(`computes what TensorFlow computes: ${name}`, async () => {
      const folder = join(t.fixtures, name);
      const { graph } = await t.openWell(t.filesOf(folder));
      const expected = t.expectedOf(folder);
      const { input, outputs, gradient } = expected;
      assert.equal(graph.inputs[0]!.shape[0], "N");
      const whole = t.bound(graph, input.shape[0]!);
      const x = float32(input.shape, input.data);
      const found = evaluate(whole.outputs, new Map([[whole.inputs[0]!, x]]));
      outputs.forEach((y, i) => {
        assert.deepEqual(found[i]!.shape, y.shape, `output ${i}`);
        assertClose(found[i]!.data, y.data, `output ${i}`);
      });
      assertClose(t.gradientOf(whole, x).data, gradient.data, "gradient");
    }).timeout(60_000);

  it("refuses loops by name, and reads what comes before", async () => {
    const { model, problems } = await t.open(t.filesOf(join(t.fixtures, "loop")));
    assert.match(
      f.lines(problems).join(),
      /model.json, node .*: operation StatelessWhile is not supported: loops and branches/,
    );
    assert.equal(model!.partial, true);
    assert.ok(model!.graph.outputs.length > 0);
    assert.equal(model!.ownOutputs, 0);
    assert.deepEqual(
      model!.ends!.map(({ at }) => at),
      [problems[0]!.at.place],
    );
    for (const v of model!.ends![0]!.values) assert.ok(model!.graph.outputs.includes(v));
  });
});
