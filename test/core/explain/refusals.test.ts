import assert from "node:assert/strict";
import { constant, type Graph, input } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { InvalidNode, operator, refuse } from "#core/ops/operator.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { image, op, weights } from "../../support/build.ts";
import { measure } from "../../support/measure.ts";

/** A smooth operator that nobody has differentiated yet, or whose gradient covers other cases only. */
const odd = (gradient: "missing" | (() => never)) =>
  operator<object>({
    type: "Odd",
    infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
    evaluate: ([x]) => [{ ...x!, data: Float64Array.from(x!.data, (v) => v + v ** 3) }],
    gradient,
    channels: () => refuse("nobody knows"),
    examples: [],
  });

const MISSING = odd("missing");
const PARTLY = odd(() => {
  throw new InvalidNode("only other cases");
});

const explained = ({ layers }: Importance): readonly string[] =>
  layers.filter(({ index }) => index !== "activation").map(({ name }) => name);

describe("layers whose importance cannot be computed", () => {
  const withOdd = (kind: typeof MISSING): Graph => {
    const x = image("N", 3);
    const first = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "first.weight")])]);
    const between = kind.node({}, [first], "odd1").outputs[0]!;
    const second = op("Tanh", {}, [
      op("MatMul", {}, [between, weights([4, 5], 2, "second.weight")]),
    ]);
    const y = op("MatMul", {}, [second, weights([5, 2], 3, "out.weight")]);
    return { inputs: [x], outputs: [y] };
  };

  for (const [what, kind, because] of [
    ["has no gradient", MISSING, "Odd odd1 has no gradient"],
    ["has none for this case", PARTLY, "Odd odd1 has no gradient: only other cases"],
  ] as const)
    it(`are named where an operator behind them ${what}; the others are computed`, async () => {
      const found = await measure(withOdd(kind));
      assert.deepEqual(found.refused, [{ layer: "first", op: "MatMul", because }]);
      assert.deepEqual(explained(found), ["second", "out"]);
      // How its units spread is known without derivatives.
      assert.deepEqual(found.layers.at(-1)!.name, "first");
      assert.ok(found.layers.at(-1)!.deviation.every((v) => v > 0));
      // What the part behind the operator gives alone.
      assert.ok(found.layers[0]!.sigma.every((v) => v > 0));
      assert.deepEqual([found.input.importance, found.input.refused], [[], because]);
    });

  it("are those that the explained output does not depend on", async () => {
    const x = image("N", 3);
    const shared = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "shared.weight")])]);
    const one = op("MatMul", {}, [shared, weights([4, 2], 2, "one.weight")]);
    const two = op("MatMul", {}, [shared, weights([4, 3], 3, "two.weight")]);
    const graph = { inputs: [x], outputs: [one, two] };
    const names = async (output: number) => {
      const found = await measure(graph, { output });
      return [explained(found), found.refused!.map((r) => r.layer)];
    };
    assert.deepEqual(await names(0), [["shared", "one"], ["two"]]);
    assert.deepEqual(await names(1), [["shared", "two"], ["one"]]);
    assert.match(
      (await measure(graph)).refused![0]!.because,
      /the explained output does not depend on it/,
    );
  });

  it("may be all of them: the accuracy is still known", async () => {
    const x = image("N", 3);
    const y = MISSING.node({}, [op("MatMul", {}, [x, weights([3, 2], 1, "only.weight")])], "odd1");
    const found = await measure({ inputs: [x], outputs: [y.outputs[0]!] }, {}, () => 0);
    assert.deepEqual(explained(found), []);
    assert.equal(found.refused!.length, 1);
    assert.ok(found.accuracy! >= 0);
  });
});

describe("inputs", () => {
  it("of token ids have no importance, and say so; the layers behind them do", async () => {
    const ids = input("ids", "int64", ["N", 6]);
    const table = constant(
      float32(
        [9, 4],
        Array.from({ length: 36 }, (_, i) => Math.sin(i)),
      ),
      "t",
    );
    const embedded = op("Gather", { axis: 0 }, [table, ids]);
    const dense = op("Relu", {}, [op("MatMul", {}, [embedded, weights([4, 5], 1, "fc.weight")])]);
    const mean = op("ReduceMean", { axes: [1], keepdims: 0 }, [dense]);
    const y = op("MatMul", {}, [mean, weights([5, 3], 2, "out.weight")]);
    const found = await measure(
      { inputs: [ids], outputs: [y] },
      { values: (v) => Math.floor(Math.abs(100 * v)) % 9 },
    );
    assert.deepEqual(found.input.importance, []);
    assert.match(found.input.refused!, /int64, which has no derivative/);
    const [fc] = found.layers;
    assert.deepEqual([fc!.name, fc!.units], ["fc", 5]);
    assert.ok(fc!.sigma.every((v) => v > 0));
  });

  it("may be several: each gets its own values, the first one is ranked", async () => {
    const [a, b] = [image("N", 3), input("b", "float32", ["N", 2])];
    const joined = op("Concat", { axis: 1 }, [a, b]);
    const w = weights([5, 2], 1, "fc.weight");
    const y = op("MatMul", {}, [op("Tanh", {}, [joined]), w]);
    const { input: found } = await measure({ inputs: [a, b], outputs: [y] });
    assert.deepEqual(found.shape, [3]);
    assert.ok(found.importance.every((v) => v > 0));
  });
});
