import assert from "node:assert/strict";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import type { LayerImportance } from "#protocol/views/importance.ts";
import { image, normal, op, weights } from "../../support/build.ts";
import { measure } from "../../support/measure.ts";
import { assertRelative } from "../../support/numbers.ts";

const matrix = (rows: readonly (readonly number[])[], name = "") =>
  constant(float32([rows.length, rows[0]!.length], rows.flat()), name);

const KEYS = ["importance", "sigma", "gate", "scaled", "meanAbs", "meanSquare", "active"] as const;

/** 3 → 4 units → 2 classes, the weights given by rows. */
function mlp(first: readonly (readonly number[])[], second: readonly (readonly number[])[]): Graph {
  const x = image("N", 3);
  const hidden = op("Tanh", {}, [op("MatMul", {}, [x, matrix(first, "fc1.weight")])]);
  return { inputs: [x], outputs: [op("MatMul", {}, [hidden, matrix(second, "fc2.weight")])] };
}

const rows = (shape: readonly [number, number], seed: number): number[][] => {
  const { data } = normal(shape, seed);
  return Array.from({ length: shape[0] }, (_, r) => [
    ...data.slice(r * shape[1], (r + 1) * shape[1]),
  ]);
};

describe("importance", () => {
  it("of the inputs of y = s(w·x) is |w| times one number", async () => {
    // ∂y/∂x_i = w_i·s(1 − s), so σ_i = |w_i|·std(s(1 − s)).
    const w = [0.5, -2, 0, 1, -0.25];
    const x = image("N", 5);
    const y = op("Sigmoid", {}, [
      op("MatMul", {}, [
        x,
        matrix(
          w.map((v) => [v]),
          "fc.weight",
        ),
      ]),
    ]);
    const { input, note } = await measure({ inputs: [x], outputs: [y] });
    const factor = input.importance[0]! / 0.5;
    assert.ok(factor > 0.01);
    assertRelative(
      input.importance,
      w.map((v) => Math.abs(v) * factor),
      { tolerance: 1e-9 },
    );
    assert.equal(input.importance[2], 0);
    // Of the output itself ∂y/∂y is 1, which needs no saying.
    assert.equal(note, undefined);
  });

  it("of a unit that nothing reads is exactly 0 in every measure of the outputs", async () => {
    const second = rows([4, 2], 2);
    second[1] = [0, 0];
    const { layers } = await measure(mlp(rows([3, 4], 1), second));
    for (const key of ["importance", "sigma", "gate", "scaled", "meanAbs", "meanSquare"] as const) {
      assert.equal(layers[0]![key][1], 0, key);
      assert.ok(
        layers[0]![key].every((v, u) => u === 1 || v > 0),
        key,
      );
    }
    assert.equal(layers[0]!.active[1], 1);
  });

  it("of a filter that nothing reads is exactly 0, whatever its map holds", async () => {
    const x = image("N", 1, 6, 6);
    const conv = op("Relu", {}, [op("Conv", {}, [x, weights([3, 1, 3, 3], 1, "conv1.weight")])]);
    const pool = op("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [conv]);
    const out = rows([12, 2], 4).map((row, i) => (i >= 4 && i < 8 ? [0, 0] : row));
    const y = op("MatMul", {}, [op("Flatten", { axis: 1 }, [pool]), matrix(out, "fc.weight")]);
    const { layers } = await measure({ inputs: [x], outputs: [y] });
    const [conv1] = layers as [LayerImportance];
    assert.deepEqual([conv1.importance[1], conv1.sigma[1], conv1.gate[1]], [0, 0, 0]);
    assert.ok(conv1.importance[0]! > 0 && conv1.importance[2]! > 0);
  });

  it("moves with the units when they change places", async () => {
    const order = [2, 0, 3, 1];
    const [first, second] = [rows([3, 4], 1), rows([4, 2], 2)];
    const moved = mlp(
      first.map((row) => order.map((u) => row[u]!)),
      order.map((u) => second[u]!),
    );
    const [plain, permuted] = [await measure(mlp(first, second)), await measure(moved)];
    for (const key of KEYS)
      assertRelative(
        permuted.layers[0]![key],
        order.map((u) => plain.layers[0]![key][u]!),
        { tolerance: 1e-9, what: key },
      );
    assertRelative(permuted.input.importance, plain.input.importance, { tolerance: 1e-9 });
  });

  it("scaled by the activation's spread does not change when a unit is scaled and its readers undo it", async () => {
    // Linear units: a → 10·a with W → W/10 is the same model.
    const build = (factor: number): Graph => {
      const x = image("N", 3);
      const first = rows([3, 4], 1).map((r) => r.map((v, u) => (u === 2 ? v * factor : v)));
      const hidden = op("MatMul", {}, [x, matrix(first, "fc1.weight")]);
      const second = rows([4, 3], 2).map((r, u) => (u === 2 ? r.map((v) => v / factor) : r));
      return { inputs: [x], outputs: [op("MatMul", {}, [hidden, matrix(second, "fc2.weight")])] };
    };
    const [one, ten] = [await measure(build(1)), await measure(build(10))];
    const [a, b] = [one.layers[0]!, ten.layers[0]!];
    assertRelative(b.scaled, a.scaled, { tolerance: 1e-5 });
    assertRelative(b.gate, a.gate, { tolerance: 1e-5 });
    assertRelative([b.sigma[2]!], [a.sigma[2]! / 10], { tolerance: 1e-5 });
  });

  it("falls back to the root mean square where the model is affine, and says so", async () => {
    // y = 3·x0 − 4·x1 is one regression output.
    const x = image("N", 2);
    const y = op("MatMul", {}, [x, matrix([[3], [-4]], "fc.weight")]);
    const { layers, input, note } = await measure({ inputs: [x], outputs: [y] });
    assert.match(note!, /affine in the input: σ is 0 there, the root mean square ranks instead/);
    assertRelative(input.importance, [3, 4], { tolerance: 1e-6 });
    const [fc] = layers as [LayerImportance];
    assert.deepEqual([fc.sigma, fc.scaled], [[0], [0]]);
    // ∂y/∂y = 1, so the ranking is std(y).
    assertRelative(fc.importance, fc.deviation, { tolerance: 1e-6 });
    assert.ok(fc.importance[0]! > 0);
  });

  it("says nothing where a classifier's probabilities vary", async () => {
    assert.equal((await measure(mlp(rows([3, 4], 1), rows([4, 2], 2)))).note, undefined);
  });

  it("ranks filters by gate, dense units by scaled, and by what is asked for", async () => {
    const graph = mlp(rows([3, 4], 1), rows([4, 2], 2));
    for (const index of [undefined, "sigma", "gate", "scaled"] as const) {
      const { layers } = await measure(graph, index === undefined ? {} : { index });
      assert.equal(layers[0]!.index, index ?? "scaled");
      assert.deepEqual(layers[0]!.importance, layers[0]![index ?? "scaled"]);
    }
  });

  it("does not count what fills up the last batch", async () => {
    // 20 samples in batches of 8: a unit that is 1 for every sample has been active 20 of 20 times.
    const { layers, samples } = await measure(mlp(rows([3, 4], 1), rows([4, 2], 2)));
    assert.equal(samples, 20);
    assert.deepEqual(layers[0]!.active, [1, 1, 1, 1]);
  });

  it("gives contributions that add up to the class's logit where the rest is linear", async () => {
    // z_c = Σ_u a_u·W_uc, so Σ_u contribution = the mean of z_c over the samples of class c.
    const graph = mlp(rows([3, 4], 1), rows([4, 2], 2));
    const { layers, accuracy } = await measure(graph, { outputs: "logits" }, (i) => i % 2);
    const [fc1, fc2] = layers as [LayerImportance, LayerImportance];
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    for (const c of [0, 1])
      assertRelative([sum(fc1.contribution[c]!)], [fc2.contribution[c]![c]!], { tolerance: 1e-9 });
    assert.ok(accuracy! >= 0 && accuracy! <= 1);
  });

  it("measures a value the outputs do not depend on as 0", async () => {
    const x = image("N", 3);
    const used = op("MatMul", {}, [x, weights([3, 2], 1, "used.weight")]);
    const dropped: Value = op("Mul", {}, [
      op("MatMul", {}, [x, weights([3, 2], 2, "dropped.weight")]),
      constant(float32([], [0])),
    ]);
    const y = op("Add", {}, [used, dropped]);
    const { layers } = await measure({ inputs: [x], outputs: [y] });
    const dead = layers.find((l) => l.name === "dropped")!;
    assert.deepEqual([...dead.importance], [0, 0]);
  });
});
