import assert from "node:assert/strict";
import fc from "fast-check";
import { backward } from "#core/autodiff/backward.ts";
import { linearize } from "#core/autodiff/linearize.ts";
import { fromPhases } from "#core/autodiff/phases.ts";
import { dependents } from "#core/autodiff/split.ts";
import { stack } from "#core/autodiff/stack.ts";
import { layersOf } from "#core/explain/layers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { constant, type Graph, input, topological, type Value } from "#core/ir/graph.ts";
import { known, size, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { op, weights } from "../../support/build.ts";
import { anyChain, type ChainSpec, chainOf } from "../../support/chain.ts";
import { wide } from "../../support/derivatives.ts";
import { assertNear } from "../../support/numbers.ts";

const BATCH = 2;

function netOf(spec: ChainSpec) {
  const bound = bindBatch(chainOf(spec).graph, BATCH);
  assert.ok(bound.kind === "bound");
  const { graph } = bound;
  const targets = [graph.inputs[0]!, ...layersOf(graph).map((l) => l.activation)];
  return { graph, targets, y: graph.outputs[0]! };
}

const run = ({ inputs, outputs }: Graph, tensors: readonly Tensor[]): readonly Tensor[] =>
  evaluate(outputs, new Map(inputs.map((v, i) => [v, tensors[i]!])));

describe("a graph cut into primal and transposed", function () {
  this.timeout(60_000);

  it("gives the gradients of the whole", () => {
    const agrees = (spec: ChainSpec) => {
      const { graph, targets, y } = netOf(spec);
      const { primal, transposed, phases } = linearize(graph, [y], targets, [y]);
      verify(primal);
      verify(transposed);
      const x = wide(known(graph.inputs[0]!.shape), 1);
      const ct = wide(known(y.shape), 2);
      const [result, ...residuals] = run(primal, [x]);
      const found = run(transposed, [ct, ...residuals]);
      const whole = backward([{ output: y, cotangent: constant(ct) }], targets);
      const feeds = new Map([[graph.inputs[0]!, x]]);
      assert.deepEqual(result, evaluate([y], feeds)[0]);
      targets.forEach((t, i) => {
        const expected = evaluate([whole.get(t)!], feeds)[0]!;
        assertNear(plain(found[i]!, phases[i]).data, expected.data, 1e-9, `target ${i}`);
      });
    };
    fc.assert(fc.property(anyChain, agrees), { numRuns: 12, seed: 5 });
  });

  it("has nothing in the primal that depends on a cotangent, nothing in the transposed that does not", () => {
    const separate = (spec: ChainSpec) => {
      const { graph, targets, y } = netOf(spec);
      const { primal, transposed, residuals } = linearize(graph, [y], targets);
      assert.deepEqual(primal.inputs, graph.inputs);
      const sources = topological(primal.outputs).filter((n) => n.operator === "input");
      assert.ok(sources.every((n) => graph.inputs.includes(n.outputs[0]!)));
      assert.equal(transposed.inputs.length, 1 + residuals);
      const linear = dependents(transposed.outputs, transposed.inputs.slice(0, 1));
      for (const node of topological(transposed.outputs))
        if (typeof node.operator !== "string")
          assert.ok(
            linear.has(node.outputs[0]!),
            `${node.operator.type} is computed per cotangent`,
          );
    };
    fc.assert(fc.property(anyChain, separate), { numRuns: 20, seed: 6 });
  });

  it("gives zeros for a target that the outputs do not depend on", () => {
    const [x, z] = [input("x", "float32", [2, 3]), input("z", "float32", [2, 4])];
    const y = op("Tanh", {}, [x]);
    const { transposed } = linearize({ inputs: [x, z], outputs: [y] }, [y], [z]);
    assert.deepEqual([...run(transposed, [wide([2, 3], 1)])[0]!.data], new Array(8).fill(0));
  });
});

describe("cotangents stacked into the batch", function () {
  this.timeout(60_000);

  it("give what they give one by one", () => {
    let stacked = 0;
    const agrees = (spec: ChainSpec) => {
      const { graph, targets, y } = netOf(spec);
      const { primal, transposed } = linearize(graph, [y], targets);
      const count = 3;
      const all = stack(transposed, 1, count);
      if (all === undefined) return;
      stacked++;
      verify(all);
      const residuals = run(primal, [wide(known(graph.inputs[0]!.shape), 1)]);
      const cts = Array.from({ length: count }, (_, i) => wide(known(y.shape), 20 + i));
      const found = run(all, [joined(cts), ...residuals]);
      const each = cts.map((ct) => run(transposed, [ct, ...residuals]));
      found.forEach((t, i) => {
        const expected = joined(each.map((outputs) => outputs[i]!));
        assert.deepEqual(t.shape, expected.shape);
        assertNear(t.data, expected.data, 1e-12, `target ${i}`);
      });
    };
    fc.assert(fc.property(anyChain, agrees), { numRuns: 15, seed: 8 });
    assert.equal(stacked, 15, "every chain can be stacked");
  });

  it("do not take weights for samples when there are as many", () => {
    // Wᵀ [2, 5] and a bias [2, 2] have as many rows as the batch has samples.
    const x = input("x", "float32", [2, 5]);
    const y = op("MatMul", {}, [
      op("Tanh", {}, [op("MatMul", {}, [x, weights([5, 2], 1)])]),
      weights([2, 2], 2),
    ]);
    const { primal, transposed } = linearize({ inputs: [x], outputs: [y] }, [y], [x]);
    const residuals = run(primal, [wide([2, 5], 3)]);
    const ct = wide([2, 2], 4);
    const [one] = run(transposed, [ct, ...residuals]);
    const [two] = run(stack(transposed, 1, 2)!, [joined([ct, ct]), ...residuals]);
    assertNear(two!.data, joined([one!, one!]).data, 1e-12);
  });

  it("meet residuals of each sample in stacked matrix products", () => {
    // Scores q·kᵀ per sample, as in attention: the derivative by q is ct·k.
    const [q, k] = ["q", "k"].map((name) => input(name, "float32", [2, 3, 4])) as [Value, Value];
    const y = op("MatMul", {}, [q, op("Transpose", { perm: [0, 2, 1] }, [k])]);
    const { primal, transposed } = linearize({ inputs: [q, k], outputs: [y] }, [y], [q, k]);
    const residuals = run(primal, [wide([2, 3, 4], 1), wide([2, 3, 4], 2)]);
    const cts = [wide([2, 3, 3], 3), wide([2, 3, 3], 4)];
    const each = cts.map((ct) => run(transposed, [ct, ...residuals]));
    const found = run(stack(transposed, 1, 2)!, [joined(cts), ...residuals]);
    found.forEach((t, i) => {
      assertNear(t.data, joined(each.map((e) => e[i]!)).data, 1e-12);
    });
  });

  it("are summed up along a row by themselves", () => {
    const x = input("x", "float32", [2, 3]);
    const y = op("CumSum", { axis: -1, exclusive: 1 }, [op("Tanh", {}, [x])]);
    const { primal, transposed } = linearize({ inputs: [x], outputs: [y] }, [y], [x]);
    const residuals = run(primal, [wide([2, 3], 1)]);
    const cts = [wide([2, 3], 2), wide([2, 3], 3)];
    const each = cts.map((ct) => run(transposed, [ct, ...residuals])[0]!);
    const [found] = run(stack(transposed, 1, 2)!, [joined(cts), ...residuals]);
    assertNear(found!.data, joined(each).data, 1e-12);
  });

  it("are the graph itself when there is one", () => {
    const ct = input("ct", "float32", [2, 3]);
    const graph = { inputs: [ct], outputs: [op("Neg", {}, [ct])] };
    assert.equal(stack(graph, 1, 1), graph);
  });

  const ct = input("ct", "float32", [2, 4]);
  const image = input("ct", "float32", [2, 1, 3, 3]);
  const residual = input("r", "float32", [2, 2]);
  const apply = (type: string, attrs: Attrs, ...inputs: Value[]) => op(type, attrs, inputs);
  const mixing: readonly (readonly [string, Value, Value])[] = [
    ["a transposition", ct, apply("Transpose", { perm: [1, 0] }, ct)],
    ["a sum over the batch", ct, apply("ReduceSum", { axes: [0], keepdims: 1 }, ct)],
    ["the same, counted from the end", ct, apply("ReduceSum", { axes: [-2], keepdims: 0 }, ct)],
    ["a slice of the batch", ct, apply("Slice", { axes: [0], starts: [0], ends: [1] }, ct)],
    ["samples joined", ct, apply("Concat", { axis: 0 }, ct, ct)],
    ["samples laid end to end", ct, apply("Reshape", {}, ct, shapeOf(8))],
    ["a matrix from the left", ct, apply("MatMul", {}, weights([2, 2], 1), ct)],
    ["a residual from the left", ct, apply("MatMul", {}, residual, ct)],
    ["a transposed Gemm", ct, apply("Gemm", { transA: 1 }, ct, weights([2, 3], 1))],
    ["a cotangent used as weights", image, apply("Conv", {}, image, image)],
    ["an outer product of samples", ct, apply("Mul", {}, ct, input("r", "float32", [2, 1, 4]))],
    ["a running sum over the batch", ct, apply("CumSum", { axis: 0 }, ct)],
    ["the same, counted from the end,", ct, apply("CumSum", { axis: -2 }, ct)],
    ["a softmax over the batch", ct, apply("Softmax", { axis: 0 }, ct)],
  ];
  for (const [what, from, to] of mixing)
    it(`are refused where ${what} mixes samples`, () => {
      const inputs = [
        from,
        ...topological([to]).flatMap((n) =>
          n.operator === "input" && n !== from.node ? n.outputs : [],
        ),
      ];
      for (const count of [2, 3, 4])
        assert.equal(stack({ inputs, outputs: [to] }, 1, count), undefined, `count ${count}`);
    });
});

function shapeOf(...dims: number[]): Value {
  return constant({ dtype: "int64", shape: [dims.length], data: Float64Array.from(dims) });
}

/** Cotangent-major: the batches one after the other. */
function joined(tensors: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = tensors as [Tensor];
  const data = Float64Array.from(tensors.flatMap((t) => [...t.data]));
  return { dtype, shape: [shape[0]! * tensors.length, ...shape.slice(1)], data };
}

function plain(t: Tensor, phases: Parameters<typeof fromPhases>[1] | undefined): Tensor {
  if (phases === undefined) return t;
  const value = input("phased", "float32", t.shape);
  const result = evaluate([fromPhases(value, phases)], new Map([[value, t]]))[0]!;
  assert.equal(size(result.shape), size(t.shape));
  return result;
}
