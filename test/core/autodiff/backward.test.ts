import assert from "node:assert/strict";
import fc from "fast-check";
import { backward, NotDifferentiable } from "#core/autodiff/backward.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { constant, type Graph, input } from "#core/ir/graph.ts";
import { known } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { carry, operator } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { op } from "../../support/build.ts";
import { anyChain, type ChainSpec, chainOf } from "../../support/chain.ts";
import {
  assertGradient,
  dot,
  type Feeds,
  pointOf,
  variables,
  wide,
} from "../../support/derivatives.ts";

const BATCH = 2;

/** A random net of convolutions, normalisations, pools and dense layers, for a batch of 2. */
function netOf(spec: ChainSpec): Graph {
  const bound = bindBatch(chainOf(spec).graph, BATCH);
  assert.ok(bound.kind === "bound");
  return bound.graph;
}

describe("reverse-mode differentiation", function () {
  this.timeout(60_000);

  it("agrees with finite differences in random nets, for inputs and all parameters", () => {
    const agrees = (spec: ChainSpec) => {
      const graph = netOf(spec);
      const [y] = graph.outputs;
      const weights = wide(known(y!.shape), 3);
      const targets = variables(graph);
      const found = backward([{ output: y!, cotangent: constant(weights) }], targets);
      verify({ inputs: graph.inputs, outputs: [...found.values()] });
      const feeds = pointOf(graph, 5);
      const f = (at: Feeds) => dot(evaluate([y!], at)[0]!, weights);
      for (const v of targets) assertGradient(f, feeds, v, found.get(v), { elements: 3 });
    };
    fc.assert(fc.property(anyChain, agrees), { numRuns: 12, seed: 3 });
  });

  it("can be applied to its own result: Hessian-vector products agree with finite differences", () => {
    const agrees = (spec: ChainSpec) => {
      const graph = netOf(spec);
      const [y] = graph.outputs;
      const targets = variables(graph);
      const output = constant(wide(known(y!.shape), 3));
      const first = backward([{ output: y!, cotangent: output }], targets);
      const along = targets.flatMap((v, i) => {
        const gradient = first.get(v);
        return gradient === undefined ? [] : [{ gradient, vector: wide(known(v.shape), 7 + i) }];
      });
      const seeds = along.map(({ gradient, vector }) => ({
        output: gradient,
        cotangent: constant(vector),
      }));
      const second = backward(seeds, targets);
      const feeds = pointOf(graph, 5);
      const gradients = along.map((a) => a.gradient);
      const f = (at: Feeds) =>
        evaluate(gradients, at).reduce((sum, g, i) => sum + dot(g, along[i]!.vector), 0);
      for (const v of targets)
        assertGradient(f, feeds, v, second.get(v), { elements: 2, tolerance: 1e-5, what: "H·v" });
    };
    fc.assert(fc.property(anyChain, agrees), { numRuns: 6, seed: 3 });
  });

  it("adds up where a value is used more than once", () => {
    // y = x·x + x, so dy/dx = 2x + 1 and d²y/dx² = 2.
    const x = input("x", "float32", [3]);
    const y = op("Add", {}, [op("Mul", {}, [x, x]), x]);
    const one = constant(ones(3));
    const first = backward([{ output: y, cotangent: one }], [x]).get(x)!;
    const second = backward([{ output: first, cotangent: one }], [x]).get(x)!;
    const feeds = new Map([
      [x, { dtype: "float32" as const, shape: [3], data: Float64Array.of(-1, 0, 2) }],
    ]);
    const [a, b] = evaluate([first, second], feeds);
    assert.deepEqual([...a!.data], [-1, 1, 5]);
    assert.deepEqual([...b!.data], [2, 2, 2]);
  });

  it("gives targets that depend on each other their own derivatives", () => {
    const x = input("x", "float32", [2]);
    const square = op("Mul", {}, [x, x]);
    const y = op("Neg", {}, [square]);
    const found = backward([{ output: y, cotangent: constant(ones(2)) }], [x, square, y]);
    const feeds = new Map([
      [x, { dtype: "float32" as const, shape: [2], data: Float64Array.of(3, 4) }],
    ]);
    const values = [x, square, y].map((v) => [...evaluate([found.get(v)!], feeds)[0]!.data]);
    assert.deepEqual(values, [
      [-6, -8],
      [-1, -1],
      [1, 1],
    ]);
  });

  it("has no entry for a target that the outputs do not depend on", () => {
    const [x, z] = [input("x", "float32", [2]), input("z", "float32", [2])];
    const y = op("Relu", {}, [x]);
    assert.ok(!backward([{ output: y, cotangent: constant(ones(2)) }], [x, z]).has(z));
  });

  it("takes piecewise constant operators for zero", () => {
    const x = input("x", "float32", [2]);
    const y = op("Cast", { to: "float32" }, [op("Greater", {}, [x, constant(ones(2))])]);
    assert.equal(backward([{ output: y, cotangent: constant(ones(2)) }], [x]).size, 0);
  });

  it("names the node of an operator whose gradient is missing, but only on the way", () => {
    const strange = operator({
      type: "Strange",
      infer: ([x]) => [x!],
      evaluate: ([x]) => [x!],
      gradient: "missing",
      channels: (_node, _input, axis) => carry(axis),
      examples: [],
    });
    const [x, z] = [input("x", "float32", [2]), input("z", "float32", [2])];
    const node = strange.node({}, [x], "layer7/odd");
    const y = op("Add", {}, [node.outputs[0], z]);
    const seeds = [{ output: y, cotangent: constant(ones(2)) }];
    assert.throws(
      () => backward(seeds, [x]),
      (error) =>
        error instanceof NotDifferentiable &&
        error.node === node &&
        error.message === "Strange layer7/odd has no gradient",
    );
    assert.ok(backward(seeds, [z]).has(z));
  });
});

const ones = (n: number) => ({
  dtype: "float32" as const,
  shape: [n],
  data: new Float32Array(n).fill(1),
});
