import assert from "node:assert/strict";
import { encode } from "#core/compile/encode.ts";
import { layersOf } from "#core/explain/layers.ts";
import type { Writing } from "#core/formats/edits.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Graph } from "#core/ir/graph.ts";
import { size, type Tensor } from "#core/ir/tensor.ts";
import { redundancy } from "#core/prune/exact/redundant.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { type PrunePlan, planPrune, type UnitSet } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { op } from "../../support/build.ts";
import { flat, Net, type Plant, relu } from "../../support/float64Net.ts";
import { assertNear } from "../../support/numbers.ts";
import { bytesOf, lines, readWell, siblingsOf, sourceOf } from "../formats/support.ts";
import { CASES } from "./exactCases.ts";

/** What is planted, by layer: "conv1 2=0 (duplicate)". */
function told(graph: Graph): string[] {
  return redundancy(graph, { writes: true }).layers.flatMap(({ name, redundant }) =>
    redundant.map(({ unit, kind, of, obstacle }) =>
      [
        name,
        unit,
        kind,
        ...(of === undefined ? [] : [`of ${of}`]),
        ...(obstacle ? [`(${obstacle})`] : []),
      ].join(" "),
    ),
  );
}

const setsOf = (graph: Graph): UnitSet[] =>
  redundancy(graph, { writes: true }).layers.flatMap(({ name, redundant }) => {
    const units = redundant.filter((r) => r.obstacle === undefined).map((r) => r.unit);
    return units.length === 0 ? [] : [{ layer: name, units }];
  });

async function opened(graph: Graph): Promise<{ graph: Graph; bytes: Uint8Array }> {
  const bytes = encode(graph);
  const model = await readWell(bytes);
  await loadWeights(model.graph);
  return { graph: model.graph, bytes };
}

function plan(graph: Graph, sets: readonly UnitSet[]): PrunePlan {
  const planned = planPrune(graph, sets, { writes: true });
  assert.ok("plan" in planned, "refusal" in planned ? planned.refusal.because : "");
  return planned.plan;
}

/** Prunes the file and compares outputs with those of the masked original. */
async function assertExact(graph: Graph, bytes: Uint8Array, made: PrunePlan, tolerance = 1e-9) {
  const { file, problems } = await onnx.applyEdits(sourceOf(bytes), siblingsOf({}), made.edits);
  assert.deepEqual(lines(problems), []);
  const after = await readWell(await bytesOf(file!.pieces()));
  await loadWeights(after.graph);
  const masked = maskUnits(graph, made.masks);
  const [x] = graph.inputs;
  const shape = [3, ...(x!.shape.slice(1) as number[])];
  const next = random(77);
  const data = Float64Array.from({ length: size(shape) }, () => 2 * next.normal());
  const fed: Tensor = { dtype: "float64", shape, data };
  const run = (g: Graph) => evaluate(g.outputs, new Map([[g.inputs[0]!, fed]]));
  const [expected, found] = [run(masked), run(after.graph)];
  found.forEach((y, i) => {
    assertNear(y.data, expected[i]!.data, tolerance, `output ${i}`);
  });
  return after.graph;
}

describe("exactly redundant units", () => {
  for (const { title, make, told: expected, gone } of CASES)
    it(title, async () => {
      const { graph, bytes } = await opened(make());
      assert.deepEqual(new Set(told(graph)), new Set(expected));
      if (gone === 0) return;
      const made = plan(graph, setsOf(graph));
      assert.deepEqual(made.masks, []);
      assert.equal(
        made.removed.reduce((n, r) => n + r.units.length, 0),
        gone,
      );
      const after = await assertExact(graph, bytes, made);
      assert.deepEqual(
        told(after).filter((t) => !t.includes("(")),
        [],
      );
    });

  it("are made up for among others that are masked, with what is masked before already gone", async () => {
    const net = new Net(20, 3);
    const a = relu(
      net.gemm("a", net.x, 6, {
        plant: (u) => (u === 4 ? 1 : u === 5 ? { all: 0 } : undefined),
        bias: (u) => (u === 4 ? 1 : u === 5 ? { all: 0.5 } : undefined),
      }),
    );
    // Unit 2 of b reads the constant unit 5 of a alone: a constant as well.
    const b = relu(net.gemm("b", a, 5));
    const { graph, bytes } = await opened(net.graph(net.gemm("fc", b, 2)));
    const made = plan(graph, [
      { layer: "a", units: [0, 4, 5] },
      { layer: "b", units: [3] },
    ]);
    assert.deepEqual(
      made.masks.map((m) => [m.axis, m.indices]),
      [
        [1, [0]],
        [1, [3]],
      ],
    );
    await assertExact(graph, bytes, made);
    const without = planPrune(graph, [{ layer: "a", units: [0, 4, 5] }]);
    assert.ok("plan" in without && without.plan.edits.every((e) => !("write" in e)));
  });

  it("are masked where no unit that gives the same survives", async () => {
    const { graph, bytes } = await opened(CASES[0]!.make());
    const all = plan(graph, [{ layer: "a", units: [1, 3, 4] }]);
    assert.deepEqual(
      all.masks.map((m) => m.indices),
      [[1, 3, 4]],
    );
    await assertExact(graph, bytes, all);
    const [first, ...rest] = CASES[0]!.make().outputs;
    assert.ok(first && rest.length === 0);
    const two = plan(graph, [{ layer: "a", units: [1, 3] }]);
    assert.deepEqual(two.masks, []);
    await assertExact(graph, bytes, two);
  });

  it("need no new weights, or stay, where weights have 16 bits", async () => {
    const { graph } = await opened(CASES[3]!.make());
    const { layers } = redundancy(graph, { writes: false });
    assert.deepEqual(
      layers.flatMap((l) => l.redundant.map((r) => [r.unit, r.kind, r.obstacle])),
      [
        [3, "constant", "stored"],
        [4, "dead", undefined],
      ],
    );
    const planned = planPrune(graph, [{ layer: "a", units: [3, 4] }], { writes: false });
    assert.ok("plan" in planned);
    assert.deepEqual(
      planned.plan.masks.map((m) => m.indices),
      [[3]],
    );
    assert.ok(!planned.plan.edits.some((e): e is Writing => "write" in e));
  });

  it("are those that were planted, in random nets", async () => {
    let planted = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const { uniform } = random(seed * 97);
      const net = new Net(seed, 2, 7, 7);
      const copies = new Map<string, Map<number, number>>();
      const plantOf = (name: string, units: number): Plant => {
        const own = new Map<number, number>();
        for (let u = 1; u < units; u++) {
          const of = Math.floor(uniform() * u);
          if (uniform() < 0.3 && !own.has(of)) own.set(u, of);
        }
        copies.set(name, own);
        planted += own.size;
        return (u) => own.get(u);
      };
      const units = () => 2 + Math.floor(uniform() * 5);
      let x = net.x;
      for (const name of ["a", "b"]) {
        const n = units();
        const plant = plantOf(name, n);
        const y = net.conv(name, x, n, { plant, pads: uniform() < 0.5 ? 1 : 0 });
        const z = uniform() < 0.5 ? net.norm(`${name}.bn`, y, plant) : y;
        x = op(uniform() < 0.5 ? "Relu" : "Tanh", {}, [z]);
      }
      const n = units();
      const hidden = relu(net.gemm("hidden", flat(x), n, { plant: plantOf("hidden", n) }));
      const { graph, bytes } = await opened(net.graph(net.gemm("fc", hidden, 3)));
      const expected = [...copies].flatMap(([name, own]) =>
        [...own].map(([u, of]) => `${name} ${u} duplicate of ${of}`),
      );
      assert.deepEqual(
        told(graph).filter((t) => t.includes("duplicate")),
        expected,
        `seed ${seed}`,
      );
      if (expected.length === 0) continue;
      const made = plan(graph, setsOf(graph));
      assert.deepEqual(made.masks, []);
      await assertExact(graph, bytes, made);
    }
    assert.ok(planted > 40, `${planted}`);
  });

  it("differ by rounding at most", async () => {
    const make = (by: number) => {
      const net = new Net(30, 3);
      const w = net.tensor("a.weight", [4, 3], (u) => (u === 2 ? 0 : undefined));
      const data = (w.node.attrs as { value: Tensor }).value.data;
      data[7]! *= 1 + by;
      return net.graph(net.gemm("fc", relu(op("Gemm", { transB: 1 }, [net.x, w], "a")), 2));
    };
    assert.deepEqual(told((await opened(make(1e-8))).graph), ["a 2 duplicate of 0"]);
    assert.deepEqual(told((await opened(make(1e-4))).graph), []);
  });

  it("are not looked for in what is not there", async () => {
    const net = new Net(31, 3);
    const { graph } = await opened(
      net.graph(net.gemm("fc", net.x, 4, { plant: (u) => (u === 3 ? 0 : undefined) })),
    );
    // The units of the last layer are the outputs.
    assert.equal(layersOf(graph)[0]!.output, true);
    assert.deepEqual(told(graph), []);
  });
});
