import assert from "node:assert/strict";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32, size, type Tensor } from "#core/ir/tensor.ts";
import { image, normal, op, weights } from "../../support/build.ts";
import { refusal, type Tensors, twin } from "../../support/twins.ts";

describe("a normalisation that an exporter folded", () => {
  const EPSILON = 1e-3;
  const vector = (seed: number, of: (v: number) => number): Tensor =>
    float32([4], Float32Array.from(normal([4], seed).data, of));
  const norm = (seed: number): Tensors => ({
    weight: vector(seed, (v) => 1 + 0.3 * v),
    bias: vector(seed + 1, (v) => v),
    running_mean: vector(seed + 2, (v) => 0.2 * v),
    running_var: vector(seed + 3, (v) => 0.5 + Math.abs(v)),
  });
  const plain: Tensors = {
    weight: vector(1, () => 1),
    bias: vector(1, () => 0),
    running_mean: vector(1, () => 0),
    running_var: vector(1, () => 1),
  };
  const named = (module: string, tensors: Tensors): Tensors =>
    Object.fromEntries(Object.entries(tensors).map(([part, t]) => [`${module}.${part}`, t]));

  function folded(w: Tensor, n: Tensors, name: string, v: Value): Value {
    const scale = Array.from(
      n.weight!.data,
      (g, u) => g / Math.sqrt(n.running_var!.data[u]! + EPSILON),
    );
    const inner = size(w.shape.slice(1));
    const data = Float32Array.from(w.data, (x, i) => x * scale[Math.floor(i / inner)]!);
    const shift = Float32Array.from(
      scale,
      (s, u) => n.bias!.data[u]! - n.running_mean!.data[u]! * s,
    );
    const stored = [float32(w.shape, data), float32([4], shift)].map((t, i) =>
      constant(t, `onnx::Conv_${name}${i}`),
    );
    return op("Conv", {}, [v, ...stored], `/${name}/Conv`);
  }

  const [wa, wb] = [normal([4, 2, 3, 3], 1), normal([4, 4, 3, 3], 2)];
  function model(na: Tensors, nb: Tensors): Graph {
    const x = image("N", 2, 8, 8);
    const a = op("Relu", {}, [folded(wa, na, "conv1", x)]);
    const b = op("Relu", {}, [folded(wb, nb, "conv2", a)]);
    const flat = op("GlobalAveragePool", {}, [b]);
    const y = op("Conv", {}, [flat, weights([3, 4, 1, 1], 3, "head.weight")], "head");
    return { inputs: [x], outputs: [op("Flatten", { axis: 1 }, [y])] };
  }
  const state = (norms: Tensors): Tensors => ({
    "conv1.weight": wa,
    "conv2.weight": wb,
    "head.weight": weights([3, 4, 1, 1], 3).node.attrs.value as Tensor,
    ...norms,
  });
  const parts = (module: string, unit: number) =>
    ["bias", "running_mean", "running_var", "weight"].map((p) => `${module}.${p}[0] - ${unit}`);
  const unit = { layer: "conv1", units: [2] };
  const cut = ["conv1.weight[0] - 2", "conv2.weight[1] - 2"];

  it("is found by its numbers, whatever it is called", async () => {
    const [na, nb] = [norm(10), norm(20)];
    const norms = { ...named("after.first", na), ...named("z", nb) };
    const found = await twin(model(na, nb), state(norms), unit);
    assert.deepEqual(found, [...parts("after.first", 2), ...cut].sort());
  });

  it("may stand in the twin for what was folded with a bias of the layer's own", async () => {
    const [na, nb] = [norm(10), norm(20)];
    const own = vector(40, (v) => v);
    const mean = float32(
      [4],
      Float32Array.from(na.running_mean!.data, (m, u) => m + own.data[u]!),
    );
    const norms = { ...named("bn1", { ...na, running_mean: mean }), ...named("bn2", nb) };
    const found = await twin(model(na, nb), state({ ...norms, "conv1.bias": own }), unit);
    assert.deepEqual(found, ["conv1.bias[0] - 2", ...parts("bn1", 2), ...cut].sort());
  });

  it("is told from another with the same numbers by its name", async () => {
    const norms = { ...named("bn2", plain), ...named("bn1", plain) };
    const found = await twin(model(plain, plain), state(norms), unit);
    assert.deepEqual(found, [...parts("bn1", 2), ...cut].sort());
  });

  it("is refused where neither tells", async () => {
    const norms = { ...named("p", plain), ...named("q", plain) };
    assert.match(
      await refusal(model(plain, plain), state(norms), unit),
      /^tensor p\.weight: it may have to lose units/,
    );
  });

  it("is refused where its numbers are of another training", async () => {
    const [na, nb] = [norm(10), norm(20)];
    const norms = { ...named("bn1", norm(30)), ...named("bn2", nb) };
    assert.match(
      await refusal(model(na, nb), state(norms), unit),
      /^tensor bn1\.weight: it may have/,
    );
  });
});
