import assert from "node:assert/strict";
import fc from "fast-check";
import { linearize } from "#core/autodiff/linearize.ts";
import { fold } from "#core/compile/fold.ts";
import { optimise } from "#core/compile/optimise.ts";
import { rotateKernels } from "#core/compile/rotateKernels.ts";
import { share } from "#core/compile/share.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { constant, constantOf, type Graph, topological, type Value } from "#core/ir/graph.ts";
import { float32, known } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { feed, image, op, weights } from "../../support/build.ts";
import { anyChain, chainOf } from "../../support/chain.ts";
import { assertNear } from "../../support/numbers.ts";

const graphOf = (x: Value, ...outputs: Value[]): Graph => ({ inputs: [x], outputs });
const types = (graph: Graph): string[] =>
  topological(graph.outputs).flatMap((n) =>
    typeof n.operator === "string" ? [] : [n.operator.type],
  );

/** The rewritten graph, which must compute the same. */
function rewritten(rewrite: (graph: Graph) => Graph, graph: Graph): Graph {
  const result = rewrite(graph);
  verify(result);
  const before = evaluate(graph.outputs, feed(graph.inputs));
  const after = evaluate(result.outputs, feed(result.inputs));
  before.forEach((t, i) => {
    assert.deepEqual(after[i]!.shape, t.shape);
    assert.equal(after[i]!.dtype, t.dtype);
    assertNear(after[i]!.data, t.data, 1e-5, `output ${i}`);
  });
  return result;
}

describe("folding constants", () => {
  it("computes what depends on constants alone", () => {
    const x = image(2, 3);
    const w = op("Mul", {}, [
      op("Transpose", { perm: [1, 0] }, [weights([4, 3], 1)]),
      constant(float32([], [2])),
    ]);
    const folded = rewritten(fold, graphOf(x, op("MatMul", {}, [x, w])));
    assert.deepEqual(types(folded), ["MatMul"]);
    assert.deepEqual(constantOf(folded.outputs[0]!.node.inputs[1])!.shape, [3, 4]);
  });

  it("keeps weights in float32", () => {
    const y = op("Exp", {}, [weights([3], 1)]);
    const [result] = fold({ inputs: [], outputs: [y] }).outputs;
    assert.ok(constantOf(result)!.data instanceof Float32Array);
  });

  it("leaves what would be much larger than what it is made of", () => {
    const big = op("Expand", { shape: [100, 1000] }, [constant(float32([1], [1]))]);
    assert.deepEqual(types(fold({ inputs: [], outputs: [big] })), ["Expand"]);
    const small = op("Expand", { shape: [10, 10] }, [constant(float32([1], [1]))]);
    assert.deepEqual(types(fold({ inputs: [], outputs: [small] })), []);
  });
});

describe("sharing equal nodes", () => {
  it("computes equal things once, also what follows from them", () => {
    const x = image(2, 3);
    const branch = () => op("Exp", {}, [op("Relu", {}, [x])]);
    const shared = rewritten(share, graphOf(x, op("Add", {}, [branch(), branch()])));
    assert.deepEqual(types(shared), ["Relu", "Exp", "Add"]);
  });

  it("tells attributes, inputs and their order apart", () => {
    const x = image(2, 3);
    const outputs = [
      op("Softmax", { axis: 0 }, [x]),
      op("Softmax", { axis: 1 }, [x]),
      op("Sub", {}, [x, op("Neg", {}, [x])]),
      op("Sub", {}, [op("Neg", {}, [x]), x]),
      op("Clip", {}, [x, constant(float32([], [-0.1])), undefined]),
      op("Clip", {}, [x, undefined, constant(float32([], [-0.1]))]),
    ];
    const shared = rewritten(share, graphOf(x, ...outputs));
    assert.equal(new Set(shared.outputs).size, outputs.length);
    assert.equal(types(shared).filter((t) => t === "Neg").length, 1);
  });
});

describe("rotating kernels", () => {
  const rotating = (
    attrs: Attrs,
    [i, o]: readonly [number, number] = [16, 17],
    kernel = [3, 2],
  ) => {
    const x = image(2, i, 5, 4);
    const bias = weights([o], 2);
    return types(
      rewritten(
        rotateKernels,
        graphOf(x, op("ConvTranspose", attrs, [x, weights([i, o, ...kernel], 1), bias])),
      ),
    );
  };

  it("turns transposed convolutions of stride 1 into convolutions", () => {
    assert.deepEqual(rotating({}), ["Conv"]);
    assert.deepEqual(rotating({ pads: [1, 0, 2, 1] }), ["Conv"]);
    assert.deepEqual(rotating({ dilations: [2, 1], pads: [2, 1, 0, 0] }), ["Conv"]);
  });

  it("turns depthwise ones, each channel's kernel by itself", () => {
    const depthwise = (attrs: Attrs, channels: number) => {
      const x = image(2, channels, 5, 4);
      const w = weights([channels, 1, 3, 2], 1);
      const y = op("ConvTranspose", { group: channels, ...attrs }, [x, w]);
      return types(rewritten(rotateKernels, graphOf(x, y)));
    };
    assert.deepEqual(depthwise({ pads: [1, 1, 1, 0] }, 16), ["Conv"]);
    assert.deepEqual(depthwise({ strides: [2, 2] }, 16), ["ConvTranspose"]);
    assert.deepEqual(depthwise({}, 8), ["ConvTranspose"]);
  });

  it("leaves what is no convolution, or narrow", () => {
    assert.deepEqual(rotating({ strides: [2, 1] }), ["ConvTranspose"]);
    assert.deepEqual(rotating({ strides: [2, 2], output_padding: [1, 0] }), ["ConvTranspose"]);
    assert.deepEqual(rotating({}, [16, 3]), ["ConvTranspose"]);
    assert.deepEqual(rotating({}, [4, 32]), ["ConvTranspose"]);
    // More padding than the kernel reaches: a convolution would need a negative one.
    assert.deepEqual(rotating({ pads: [0, 2, 0, 0] }), ["ConvTranspose"]);
  });

  it("leaves groups, computed weights and padding that is worked out", () => {
    const x = image(1, 32, 4, 4);
    const grouped = op("ConvTranspose", { group: 2 }, [x, weights([32, 16, 3, 3], 1)]);
    assert.deepEqual(types(rewritten(rotateKernels, graphOf(x, grouped))), ["ConvTranspose"]);
    const computed = op("ConvTranspose", {}, [x, op("Neg", {}, [weights([32, 16, 3, 3], 1)])]);
    assert.deepEqual(types(rewritten(rotateKernels, graphOf(x, computed))), [
      "Neg",
      "ConvTranspose",
    ]);
    const automatic = op("ConvTranspose", { auto_pad: "SAME_UPPER" }, [
      x,
      weights([32, 16, 3, 3], 1),
    ]);
    rewritten(rotateKernels, graphOf(x, automatic));
    const shaped = op("ConvTranspose", { output_shape: [5, 5] }, [x, weights([32, 16, 3, 3], 1)]);
    rewritten(rotateKernels, graphOf(x, shaped));
  });
});

describe("optimising", function () {
  this.timeout(60_000);

  it("keeps the outputs of random nets and of their derivatives", () => {
    const keeps = (graph: Graph) => {
      const bound = bindBatch(graph, 2);
      assert.ok(bound.kind === "bound");
      rewritten(optimise, bound.graph);
      const { inputs, outputs } = bound.graph;
      const { primal, transposed } = linearize(bound.graph, outputs, inputs);
      rewritten(optimise, primal);
      assert.ok(transposed.outputs.every((v) => known(v.shape).length > 0));
    };
    fc.assert(
      fc.property(anyChain, (spec) => keeps(chainOf(spec).graph)),
      { numRuns: 15, seed: 4 },
    );
  });
});
