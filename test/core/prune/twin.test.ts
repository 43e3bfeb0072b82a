import assert from "node:assert/strict";
import { encode } from "#core/compile/encode.ts";
import { layersOf } from "#core/explain/layers.ts";
import type { Cutting } from "#core/formats/edits.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32, int64, isFloat, size, strides, type Tensor } from "#core/ir/tensor.ts";
import { planPrune } from "#core/prune/plan.ts";
import { parametersOf, storedOrder } from "#core/prune/twin/names.ts";
import { twinEdits } from "#core/prune/twin/twinEdits.ts";
import { image, normal, op } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { refusal, show, storedIn, type Tensors, twin, twinOf } from "../../support/twins.ts";
import { fixtureBytes, opened } from "../formats/kerasSupport.ts";
import { readWell } from "../formats/support.ts";

/** The tensor with its axes in another order. */
function moved(tensor: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((a) => tensor.shape[a]!);
  const [from, to] = [strides(tensor.shape), strides(shape)];
  const data = Float32Array.from({ length: size(shape) }, (_, i) => {
    const at = to.map((step, d) => Math.floor(i / step) % shape[d]!);
    return tensor.data[at.reduce((n, k, d) => n + k * from[order[d]!]!, 0)]!;
  });
  return float32(shape, data);
}

describe("a twin", () => {
  it("of any coupled graph loses what the model loses, by the same names", async () => {
    let cuts = 0;
    for (const [name, make] of Object.entries(coupledGraphs)) {
      const { graph } = await readWell(encode(make()));
      await loadWeights(graph);
      const tensors = Object.fromEntries(storedIn(graph));
      for (const { name: layer } of layersOf(graph)) {
        const planned = planPrune(graph, [{ layer, units: [0] }]);
        if ("refusal" in planned) continue;
        const wanted = planned.plan.edits.filter((e): e is Cutting => "remove" in e);
        const found = await twinEdits(graph, planned.plan.edits, twinOf(tensors), "twin");
        assert.deepEqual(show(found), show(wanted), `${name}: ${layer}`);
        cuts += found.length;
      }
    }
    assert.ok(cuts > 100);
  });

  it("of any coupled graph is found by its numbers where names and order of axes are others", async () => {
    for (const [name, make] of Object.entries(coupledGraphs)) {
      const { graph } = await readWell(encode(make()));
      await loadWeights(graph);
      const names = new Map<string, string>();
      const entries = [...storedIn(graph)].map(([stored, tensor], i) => {
        const other = `t${i}`;
        if (!isFloat(tensor.dtype) || new Set(tensor.data).size === 1) return [stored, tensor];
        names.set(stored, other);
        return [other, moved(tensor, tensor.shape.map((_, d) => d).reverse())];
      });
      const tensors = Object.fromEntries(entries) as Tensors;
      for (const { name: layer } of layersOf(graph).slice(0, 3)) {
        const planned = planPrune(graph, [{ layer, units: [0] }]);
        if ("refusal" in planned) continue;
        const wanted = planned.plan.edits
          .filter((e): e is Cutting => "remove" in e)
          .map(({ tensor, axis, remove }) => {
            const other = names.get(tensor);
            if (other === undefined) return { tensor, axis, remove };
            const rank = tensors[other]!.shape.length;
            return { tensor: other, axis: rank - 1 - axis, remove };
          });
        const found = await twinEdits(graph, planned.plan.edits, twinOf(tensors), "twin");
        assert.deepEqual(show(found), show(wanted), `${name}: ${layer}`);
      }
    }
  });
});

describe("a twin under the names of its modules", () => {
  const x = image("N", 6);
  const w1 = normal([6, 6], 1, 0.4);
  const w2 = normal([6, 3], 2, 0.4);
  const dense = (v: Value, w: Tensor, name: string, bias: Tensor): Value =>
    op("Add", {}, [
      op("MatMul", {}, [v, constant(w, `onnx::MatMul_${name}`)], `/${name}/MatMul`),
      constant(bias, `${name}.bias`),
    ]);
  const [b1, b2] = [normal([6], 3), normal([3], 4)];
  const hidden = op("Relu", {}, [dense(x, w1, "fc1", b1)]);
  const graph: Graph = { inputs: [x], outputs: [dense(hidden, w2, "fc2", b2)] };
  const state: Tensors = {
    "fc1.weight": moved(w1, [1, 0]),
    "fc1.bias": b1,
    "fc2.weight": moved(w2, [1, 0]),
    "fc2.bias": b2,
  };
  const unit = { layer: "fc1", units: [4] };
  const cuts = ["fc1.bias[0] - 4", "fc1.weight[0] - 4", "fc2.weight[1] - 4"];

  it("has linear weights the other way round, square ones too", async () => {
    assert.deepEqual(await twin(graph, state, unit), cuts);
  });

  it("is found when a square weight is as the model has it", async () => {
    const straight = { ...state, "fc1.weight": w1 };
    assert.deepEqual(await twin(graph, straight, unit), cuts.with(1, "fc1.weight[1] - 4"));
  });

  it("may have a wrapper's prefix", async () => {
    const wrapped = Object.fromEntries(
      Object.entries(state).map(([name, t]) => [`module.${name}`, t]),
    );
    assert.deepEqual(
      await twin(graph, wrapped, unit),
      cuts.map((c) => `module.${c}`),
    );
  });

  it("may hold buffers and tensors that cannot be meant", async () => {
    const more = {
      ...state,
      "pos.ids": int64([6], [0, 1, 2, 3, 4, 5]),
      "aux.scale": normal([5], 8),
    };
    assert.deepEqual(await twin(graph, more, unit), cuts);
  });

  it("is refused where a tensor might have to go and is none of the model's", async () => {
    const more = { ...state, "aux.weight": normal([4, 6], 8) };
    assert.match(
      await refusal(graph, more, unit),
      /^tensor aux\.weight: it may have to lose units \(axis 1/,
    );
  });

  it("is refused where a tensor is missing", async () => {
    const { "fc1.bias": _gone, ...rest } = state;
    assert.match(
      await refusal(graph, rest, unit),
      /loses units of fc1\.bias, and no tensor here is that/,
    );
  });

  it("is refused where a shape is another", async () => {
    const other = { ...state, "fc2.weight": normal([3, 7], 5) };
    assert.match(
      await refusal(graph, other, unit),
      /^tensor fc2\.weight: it is \[3, 7\], but the model's onnx::MatMul_fc2 is \[6, 3\]/,
    );
  });

  it("is refused where only the layer's name fits, and the numbers are others", async () => {
    const other = { ...state, "fc2.weight": normal([3, 6], 5) };
    assert.match(
      await refusal(graph, other, unit),
      /^tensor fc2\.weight: its numbers are not those/,
    );
  });
});

describe("a twin of a Keras model", () => {
  const PYTORCH = [3, 2, 0, 1];

  it("has the file's own names, or PyTorch's names and order of axes", async () => {
    const { graph } = await opened(fixtureBytes("cnn.keras"), "cnn.keras");
    const own = Object.fromEntries(storedIn(graph));
    const names = new Map(
      layersOf(graph).flatMap((layer) =>
        parametersOf(layer).flatMap(([part, value]) => {
          const stored = value && storedOrder(value)?.tensor;
          return stored === undefined ? [] : [[stored, `${layer.name}.${part}`] as const];
        }),
      ),
    );
    const order = ({ shape }: Tensor) =>
      shape.length === 4 ? PYTORCH : shape.map((_, d) => d).reverse();
    const renamed = Object.fromEntries(
      Object.entries(own).map(([name, t]) =>
        names.has(name) ? [names.get(name)!, moved(t, order(t))] : [name, t],
      ),
    );
    let convolutions = 0;
    for (const { name: layer } of layersOf(graph)) {
      const planned = planPrune(graph, [{ layer, units: [0, 2] }]);
      if ("refusal" in planned) continue;
      const { edits } = planned.plan;
      const wanted = edits.filter((e): e is Cutting => "remove" in e);
      assert.deepEqual(show(await twinEdits(graph, edits, twinOf(own), "twin")), show(wanted));
      const moves = wanted.map(({ tensor, axis, remove }) => {
        const other = names.get(tensor);
        if (other === undefined) return { tensor, axis, remove };
        const at = order(own[tensor]!).indexOf(axis);
        if (own[tensor]!.shape.length === 4) convolutions++;
        return { tensor: other, axis: at, remove };
      });
      assert.deepEqual(show(await twinEdits(graph, edits, twinOf(renamed), "twin")), show(moves));
    }
    assert.ok(convolutions > 0);
  });
});
