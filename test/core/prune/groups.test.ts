import assert from "node:assert/strict";
import { encode } from "#core/compile/encode.ts";
import { layersOf } from "#core/explain/layers.ts";
import { noSiblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph, topological, type Value } from "#core/ir/graph.ts";
import { int64, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { fixedBecause, groupOf, planPrune, type UnitSet } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { image, normal, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { assertNear } from "../../support/numbers.ts";
import { bytesOf, readWell, sourceOf } from "../formats/support.ts";

const PLANS = 24;

describe("coupled units", () => {
  for (const [name, make] of Object.entries(coupledGraphs))
    it(`of ${name} leave a file that computes what the masked original computes`, async () => {
      const bytes = encode(make());
      const original = await readWell(bytes);
      await loadWeights(original.graph);
      const layers = layersOf(original.graph).filter((l) => !l.output);
      const next = random(11);
      let accepted = 0;
      const pruned = new Set<string>();
      for (let i = 0; i < PLANS; i++) {
        const sets = layers
          .filter((_, k) => k === i % layers.length || next.uniform() < 0.2)
          .map(({ name: layer, units }): UnitSet => {
            const some = Array.from({ length: units }, (_, u) => u);
            return { layer, units: some.filter(() => next.uniform() < 0.25) };
          })
          .filter(({ units }) => units.length > 0);
        if (sets.length === 0) continue;
        const planned = planPrune(original.graph, sets);
        if ("refusal" in planned) {
          assert.match(planned.refusal.because, /must stay|in two ways/);
          continue;
        }
        accepted++;
        for (const { layer } of planned.plan.removed) pruned.add(layer);
        await checkPlan(original, bytes, sets);
      }
      assert.ok(accepted >= PLANS / 2, `${accepted} plans accepted`);
      assert.deepEqual(
        [...pruned].sort(),
        layers
          .map((l) => l.name)
          .filter((n) => !fixed(original.graph, n))
          .sort(),
      );
    }).timeout(60_000);
});

describe("groups", () => {
  const groupIn = (graph: Graph, name: string, unit: number): string => {
    const layer = layersOf(graph).find((l) => l.name === name);
    assert.ok(layer !== undefined, name);
    const group = groupOf(graph, layer, unit);
    return "refusal" in group
      ? `${group.refusal.at}: ${group.refusal.because}`
      : group.members.map((m) => `${m.layer} ${m.units.join(",")}`).join("; ");
  };
  const table: readonly (readonly [keyof typeof coupledGraphs, string, number, string])[] = [
    ["residual", "a", 2, "a 2"],
    ["residual", "b", 2, "b 2; stem 2"],
    ["residual", "down", 6, "down 6; d 6"],
    ["dense", "b", 1, "b 1"],
    ["mobile", "expand", 3, "expand 3; deep 3; twice 6,7"],
    ["mobile", "twice", 5, "twice 4,5; expand 2; deep 2"],
    ["squeeze", "conv", 4, "conv 4; widen 4"],
    ["squeeze", "reduce", 0, "reduce 0"],
    ["splits", "conv", 6, "conv 6"],
    ["splits", "left", 1, "left 1,4"],
    ["shuffle", "conv", 5, "conv 2,5"],
    ["shared", "shared", 3, "shared 3; shared#2 3"],
    ["shared", "a", 1, "a 1; b 1"],
    ["manyGroups", "conv", 5, "conv 4,5; grouped 6,7,8"],
    ["fewGroups", "conv", 5, "conv 1,5"],
    ["fewGroups", "grouped", 5, "grouped 2,5"],
    ["normalised", "conv", 5, "conv 4,5"],
    ["padded", "conv", 1, "conv 1; next 2"],
    ["padded", "next", 5, "next 5"],
    ["attention", "q", 1, "q 0,1,2; k 0,1,2; v 0,1,2"],
    ["attention", "v", 5, "v 3,4,5; q 3,4,5; k 3,4,5"],
    ["sideBySide", "c", 2, "c 2; a 2; b 2"],
    ["recurrentStates", "lstm", 1, "lstm 1"],
    ["residual", "head", 1, "head: its units are the outputs of the model"],
    ["residual", "a", 5, "a: there is no unit 5: a has units 0 to 4"],
    ["gated", "where", 0, "where: at least one unit must stay"],
  ];
  for (const [name, layer, unit, expected] of table)
    it(`of ${name}: ${layer} ${unit} is in ${expected}`, () =>
      assert.equal(groupIn(coupledGraphs[name]!(), layer, unit), expected));

  it("are places of all heads of an attention where those are asked for", () => {
    const graph = coupledGraphs.attention!();
    const head = { layer: "k", units: [3, 4, 5] };
    const planned = planPrune(graph, [head]);
    assert.ok("plan" in planned);
    assert.deepEqual(planned.plan.removed, [
      head,
      { layer: "q", units: head.units },
      { layer: "v", units: head.units },
    ]);
    const place = planPrune(graph, [{ layer: "q", units: [1, 4] }]);
    assert.ok("plan" in place);
    assert.deepEqual(place.plan.removed, [
      { layer: "q", units: [1, 4] },
      { layer: "k", units: [1, 4] },
    ]);
    const both = planPrune(graph, [{ layer: "v", units: [0, 3] }, head]);
    assert.ok("refusal" in both);
    assert.match(both.refusal.because, /in two ways/);
  });

  it("are the same from every member", () => {
    for (const make of Object.values(coupledGraphs)) {
      const graph = make();
      const layers = new Map(layersOf(graph).map((l) => [l.name, l]));
      for (const layer of layers.values())
        for (let unit = 0; unit < layer.units; unit++) {
          const group = groupOf(graph, layer, unit);
          if ("refusal" in group) continue;
          const key = (members: readonly UnitSet[]) =>
            members
              .map((m) => `${m.layer} ${m.units}`)
              .sort()
              .join("; ");
          for (const other of group.members) {
            const again = groupOf(graph, layers.get(other.layer)!, other.units[0]!);
            assert.ok("members" in again);
            assert.equal(key(again.members), key(group.members));
          }
        }
    }
  });
});

describe("coupled units that cannot go", () => {
  const refusal = (graph: Graph, layer: string, units: readonly number[] = [0]): string => {
    const planned = planPrune(graph, [{ layer, units }]);
    assert.ok("refusal" in planned, "not refused");
    return `${planned.refusal.at}: ${planned.refusal.because}`;
  };
  const x = image("N", 4);
  const dense = (name: string, from: Value, seed: number, units = 4): Value =>
    op(
      "MatMul",
      {},
      [from, weights([from.shape.at(-1) as number, units], seed, `${name}.weight`)],
      name,
    );
  const graph = (...outputs: Value[]): Graph => ({ inputs: [x], outputs });

  it("are added to the input of the model", () => {
    const sum = op("Add", {}, [dense("a", x, 1), x], "join");
    assert.equal(
      refusal(graph(dense("head", sum, 2)), "a"),
      "input x: its units are an input of the model",
    );
  });

  it("are added to what another output gives", () => {
    const [a, b] = [dense("a", x, 1), dense("b", x, 2)];
    const sum = op("Add", {}, [a, b], "join");
    assert.match(
      refusal(graph(dense("head", sum, 3), b), "a"),
      /: its units reach an output of the model$/,
    );
  });

  it("are in a stream that is normalised over the units", () => {
    const sum = op("Add", {}, [dense("a", x, 1), dense("b", x, 2)], "join");
    const inputs = [sum, weights([4], 3, "norm.weight"), weights([4], 4, "norm.bias")];
    const normal = op("LayerNormalization", {}, inputs, "norm");
    for (const layer of ["a", "b"])
      assert.equal(
        refusal(graph(dense("head", normal, 5)), layer),
        "LayerNormalization node norm: LayerNormalization normalises over the units",
      );
  });

  it("are all of another layer", () => {
    const narrow = op("Concat", { axis: 1 }, [dense("a", x, 1, 1), dense("b", x, 2, 3)], "cat");
    const sum = op("Add", {}, [narrow, dense("c", x, 3)], "join");
    assert.equal(
      refusal(graph(dense("head", sum, 4)), "c", [0]),
      "a: all of its units go together, and at least one must stay",
    );
  });

  it("are read through a shape that another node reads too", () => {
    const target = constant(int64([2], [-1, 4]), "target");
    const [a, b] = ["a", "b"].map((name, i) =>
      op("Reshape", {}, [dense(name, x, i), target], `${name}.reshape`),
    ) as [Value, Value];
    assert.equal(
      refusal(graph(dense("head", a, 3), dense("tail", b, 4)), "a"),
      "Reshape node b.reshape: its shape target is shared with another node",
    );
    const both = graph(dense("head", op("Add", {}, [a, b]), 3));
    const planned = planPrune(both, [{ layer: "a", units: [1] }]);
    assert.ok("plan" in planned);
    assert.deepEqual(
      planned.plan.edits.filter((e) => "replace" in e),
      [{ tensor: "target", replace: [-1, 3] }],
    );
  });

  it("are added to what is not stored", () => {
    const sum = op("Add", {}, [dense("a", x, 1), weights([4], 2)], "join");
    assert.equal(
      refusal(graph(dense("head", sum, 3)), "a"),
      "Add node join: its parameters are computed, not stored",
    );
  });

  it("are the same for a layer before any unit is chosen, however many are asked", () => {
    const sum = op("Add", {}, [dense("a", x, 1), dense("b", dense("c", x, 4), 2)], "join");
    const whole = graph(
      dense("head", op("LayerNormalization", {}, [sum, weights([4], 3, "w")], "norm"), 5),
    );
    const because = layersOf(whole).map((l) => fixedBecause(whole, l)?.at);
    assert.deepEqual(because, [
      "LayerNormalization node norm",
      undefined,
      "LayerNormalization node norm",
      "head",
    ]);
  });
});

describe("planning a large model", () => {
  /** Weights are not read, so they are empty. */
  const conv = (name: string, from: Value, to: number): Value => {
    const shape = [to, from.shape[1] as number, 1, 1];
    const w = constant({ dtype: "float32", shape, data: new Float32Array() }, `${name}.weight`);
    return op("Conv", {}, [from, w], name);
  };
  const block = (name: string, x: Value, narrow: number, wide: number): Value => {
    const a = op("Relu", {}, [conv(`${name}.a`, x, narrow)]);
    const b = op("Relu", {}, [conv(`${name}.b`, a, narrow)]);
    const skip = x.shape[1] === wide ? x : conv(`${name}.skip`, x, wide);
    return op("Relu", {}, [op("Add", {}, [conv(`${name}.c`, b, wide), skip])]);
  };
  const resnet = (): Graph => {
    const x = image("N", 3, 8, 8);
    let stream = conv("stem", x, 64);
    for (const [stage, blocks] of [3, 4, 6, 3].entries())
      for (let i = 0; i < blocks; i++)
        stream = block(`${stage}.${i}`, stream, 64 * 2 ** stage, 256 * 2 ** stage);
    return { inputs: [x], outputs: [conv("head", stream, 1000)] };
  };
  const timed = (work: () => void): number => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };

  it("takes 0.2 s for all groups of ResNet-50", () => {
    const times = [1, 2, 3].map(() => {
      const graph = resnet();
      const layers = layersOf(graph).filter((l) => !l.output);
      const half = layers.map(({ name: layer, units }) => ({
        layer,
        units: Array.from({ length: units / 2 }, (_, i) => 2 * i),
      }));
      return timed(() => {
        for (const layer of layers) assert.equal(fixedBecause(graph, layer), undefined);
        assert.ok("plan" in planPrune(graph, half));
      });
    });
    assert.ok(Math.min(...times) < 200, `${times.join(", ")} ms`);
  });

  it("takes 2 s for the layers of 31,000 nodes", () => {
    const x = image("N", 3, 8, 8);
    let stream = conv("stem", x, 8);
    for (let i = 0; i < 3100; i++) stream = block(`${i}`, stream, 4, 8);
    const graph = { inputs: [x], outputs: [conv("head", stream, 2)] };
    assert.ok(topological(graph.outputs).length > 31_000);
    const layers = layersOf(graph);
    const time = timed(() => {
      for (const layer of layers)
        assert.equal(fixedBecause(graph, layer) === undefined, layer.name !== "head");
    });
    assert.ok(time < 2000, `${time} ms`);
  }).timeout(20_000);
});

const fixed = (graph: Graph, name: string): boolean =>
  fixedBecause(graph, layersOf(graph).find((l) => l.name === name)!) !== undefined;

/** The edited file, read again, computes what the original computes with the units masked to 0. */
async function checkPlan({ graph }: Model, bytes: Uint8Array, sets: readonly UnitSet[]) {
  const planned = planPrune(graph, sets);
  assert.ok("plan" in planned);
  const { removed, edits, masks } = planned.plan;
  const edited = await onnx.applyEdits(sourceOf(bytes), noSiblings, edits);
  assert.deepEqual(edited.problems, [], JSON.stringify({ sets, edits }));
  const smaller = await readWell(await bytesOf(edited.file!.pieces()));
  verify(smaller.graph);
  const unitsOf = (g: Graph) => new Map(layersOf(g).map((l) => [l.name, l.units]));
  const expected = unitsOf(graph);
  for (const { layer, units } of removed) expected.set(layer, expected.get(layer)! - units.length);
  assert.deepEqual(unitsOf(smaller.graph), expected);
  for (const { layer, units } of sets)
    for (const u of units)
      assert.ok(removed.find((r) => r.layer === layer)!.units.includes(u), `${layer} ${u}`);
  await loadWeights(smaller.graph);
  const masked = maskUnits(graph, masks);
  verify(masked);
  const x = normal([2, ...(graph.inputs[0]!.shape.slice(1) as number[])], 5);
  assertNear(run(smaller.graph, x).data, run(masked, x).data, 1e-9);
}

const run = ({ inputs, outputs }: Graph, x: Tensor): Tensor =>
  evaluate([outputs[0]!], new Map([[inputs[0]!, x]]))[0]!;
