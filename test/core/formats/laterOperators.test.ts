import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import type { Pieces } from "#core/formats/onnx/pieces.ts";
import { constant, type Graph } from "#core/ir/graph.ts";
import { float32, size, type Tensor } from "#core/ir/tensor.ts";
import { evaluate } from "#core/runtime/reference.ts";
import * as f from "./support.ts";

/** One node of the type, in a file of the opset, reading x and the tensors. */
async function graphOf(
  [type, opset]: readonly [string, number],
  shape: readonly number[],
  { attrs = [], tensors = {} }: { attrs?: Pieces[]; tensors?: Record<string, Pieces> } = {},
): Promise<Graph> {
  const bytes = f.fileOf({
    opset,
    nodes: [f.nodeOf(type, ["x", ...Object.keys(tensors)], ["y"], attrs)],
    tensors: Object.values(tensors),
    inputs: [f.info("x", shape)],
    outputs: [f.info("y", [])],
  });
  return (await f.readWell(bytes)).graph;
}

/** y, and the gradient of Σ w·y by x with w = 1, 2, 3, …. */
function computed({ inputs: [x], outputs: [y] }: Graph, elements: readonly number[]) {
  const feeds = new Map([[x!, float32(x!.shape as number[], elements)]]);
  const shape = y!.shape as number[];
  const w = Float32Array.from({ length: size(shape) }, (_, i) => i + 1);
  const cotangent = constant(float32(shape, w));
  const gradient = backward([{ output: y!, cotangent }], [x!]).get(x!)!;
  return evaluate([y!, gradient], feeds);
}

function close({ data }: Tensor, expected: readonly number[]): void {
  assert.equal(data.length, expected.length);
  expected.forEach((v, i) => {
    assert.ok(Math.abs(data[i]! - v) < 1e-6, `[${i}]: ${data[i]}, not ${v}`);
  });
}

describe("operators that are newer than opset 21, or changed in it", () => {
  it("RMSNormalization is written with others", async () => {
    const attrs = [f.floatAttr("epsilon", 0.125)];
    const tensors = { scale: f.floats("scale", [3], [1, 2, -1]) };
    const graph = await graphOf(["RMSNormalization", 23], [2, 3], { attrs, tensors });
    // torch.nn.functional.rms_norm(x, [3], scale, 0.125)
    const [y, gradient] = computed(graph, [1, 2, -2, 4, 0, -3]);
    close(y!, [0.565685425, 2.2627417, 1.13137085, 1.375363812, 0, 1.031522859]);
    close(
      gradient!,
      [-0.339411255, 0.45254834, 0.113137085, -0.467488192, 3.43840953, -0.680906715],
    );
  });

  it("Swish is written with Sigmoid", async () => {
    const attrs = [f.floatAttr("alpha", 0.5)];
    const graph = await graphOf(["Swish", 24], [4], { attrs });
    const [y] = computed(graph, [-2, -0.5, 0, 1.5]);
    // x·torch.sigmoid(x/2)
    close(y!, [-0.537882843, -0.21891175, 0, 1.018768049]);
    const plain = await graphOf(["Swish", 24], [1]);
    // 2·sigmoid(2)
    close(computed(plain, [2])[0]!, [2 / (1 + Math.exp(-2))]);
  });

  it("GroupNormalization before 21 has scale and bias for each group", async () => {
    const attrs = [f.intAttr("num_groups", 2), f.floatAttr("epsilon", 0)];
    const tensors = {
      scale: f.floats("scale", [2], [1, 10]),
      bias: f.floats("bias", [2], [0, 5]),
    };
    const graph = await graphOf(["GroupNormalization", 18], [1, 4, 1], { attrs, tensors });
    // groups 1 3 and 2 6, normalised to −1 1 each
    close(computed(graph, [1, 3, 2, 6])[0]!, [-1, 1, -5, 15]);
  });

  it("Hardmax before 13 goes over all axes from its own on", async () => {
    const graph = await graphOf(["Hardmax", 11], [1, 2, 2]);
    const feeds = new Map([[graph.inputs[0]!, float32([1, 2, 2], [1, 3, 7, 2])]]);
    const [y] = evaluate(graph.outputs, feeds);
    assert.deepEqual(
      [y!.shape, Array.from(y!.data)],
      [
        [1, 2, 2],
        [0, 0, 1, 0],
      ],
    );
  });

  for (const type of "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare".split(" "))
    it(`Reduce${type} before 18 has its axes as an attribute`, async () => {
      const attrs = [f.intsAttr("axes", [1]), f.intAttr("keepdims", 0)];
      const graph = await graphOf([`Reduce${type}`, 13], [2, 3], { attrs });
      assert.deepEqual(graph.outputs[0]!.shape, [2]);
    });

  it("CumSum has its axis as a constant", async () => {
    const tensors = { axis: f.int64s("axis", [1]) };
    const graph = await graphOf(["CumSum", 14], [1, 3], { tensors });
    close(computed(graph, [1, 2, 3])[0]!, [1, 3, 6]);
    const { problems } = await f.readBytes(
      f.fileOf({
        opset: 14,
        nodes: [f.nodeOf("CumSum", ["x", "axis"], ["y"])],
        inputs: [f.info("x", [1, 3]), f.info("axis", [1], 7)],
        outputs: [f.info("y", [])],
      }),
    );
    assert.match(f.lines(problems).join(), /CumSum: axis must be a constant/);
  });
});
