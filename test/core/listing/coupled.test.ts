import assert from "node:assert/strict";
import fc from "fast-check";
import type { Graph, Value } from "#core/ir/graph.ts";
import { checkEdit } from "#core/listing/check.ts";
import { runs } from "#core/listing/coupledText.ts";
import { Coupling } from "#core/listing/coupling.ts";
import type { Removal } from "#core/listing/document.ts";
import { parseListing } from "#core/listing/parse.ts";
import { writeListing } from "#core/listing/write.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { planPrune } from "#core/prune/plan.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { image, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { fixture } from "../../support/fixture.ts";
import { golden } from "../../support/golden.ts";
import { graphView } from "../../support/graphView.ts";
import { importance, layer, measured, model } from "../../support/listings.ts";

const graph = (name: string): Graph => coupledGraphs[name]!();

/** b and c go together unit by unit; the units of d in pairs. */
const small: ModelView = {
  ...model,
  name: "m.onnx",
  inputs: [],
  layers: [
    layer("a", "Conv", 3, { fixed: "it is added to x (b)", fixedAt: "b" }),
    layer("b", "Conv", 3),
    layer("c", "Conv", 3),
    layer("d", "Conv", 4),
  ],
  coupling: {
    parallel: [["b", "c"]],
    groups: [[{ layer: "d", units: [0, 1] }], [{ layer: "d", units: [2, 3] }]],
    otherwise: [],
    stuck: [],
    apart: [],
  },
};

describe("the listing of coupled units", () => {
  it("says at a layer once which ones go along by number", () => {
    golden("listing-coupled.nnl", writeListing(graphView(graph("residual"))).text);
  });

  it("has a column where numbers differ or several units of a layer go together", () => {
    golden("listing-heads.nnl", writeListing(graphView(graph("attention"))).text);
    golden("listing-grouped.nnl", writeListing(graphView(graph("fewGroups"))).text);
  });

  it("says it once too where the layers are not all of the same width", () => {
    const groups = [0, 1, 2].map((u) =>
      ["b", "c", "d"].slice(0, u < 2 ? 3 : 2).map((layer) => ({ layer, units: [u] })),
    );
    const layers = [layer("b", "Conv", 3), layer("c", "Conv", 3), layer("d", "Conv", 2)];
    const coupling = { parallel: [], groups, otherwise: [], stuck: [], apart: [] };
    const { text } = writeListing({ ...model, layers, coupling });
    assert.match(text, /^layer c {2}Conv {3}# units go together with b, d\n {2}unit 0$/m);
  });

  it("has the column behind the numbers", () => {
    const known = { ...importance, layers: [measured("d", [1, 2, 3, 4])] };
    const { text } = writeListing({ ...small, problems: [] }, known, { locale: "ja" });
    assert.match(text, /^ {2}unit 3 {3}importance 4\.000 {3}active 1\.00 {3}with d\/2$/m);
    assert.match(text, /^layer b {2}Conv {3}# ユニットは c と一組$/m);
  });

  it("says beside a unit why it stays though others of its layer go", () => {
    const { text } = writeListing(graphView(halfOut()));
    assert.match(text, /^layer conv {2}Conv 3x3 {2}3 -> 6 {3}# \d+ parameters$/m);
    const stuck = text.split("\n").filter((l) => l.includes("cannot be pruned"));
    assert.deepEqual(
      stuck.map((l) => l.replace(/#.*: (.*) \(.*/, "$1")),
      [0, 1, 2].map((u) => `  unit ${u}   its units reach an output of the model`),
    );
  });

  it("shortens numbers and long lists", () => {
    assert.equal(runs([0, 1, 2, 5, 6, 9]), "0-2,5,6,9");
    assert.equal(runs([3]), "3");
    assert.equal(runs([0, 2, 4, 6, 8, 10, 12, 14]), "0,2,4,6,8,10,…");
    const layers = [..."abcdefgh"].map((name) => layer(name, "Conv", 2));
    const coupling = {
      parallel: [[..."abcdefgh"]],
      groups: [],
      otherwise: [],
      stuck: [],
      apart: [],
    };
    const { text } = writeListing({ ...model, layers, coupling });
    assert.match(text, /layer b {2}Conv {3}# units go together with a, c, d, e and 3 more/);
  });
});

describe("an edit that deletes coupled units", () => {
  it("has an error at each line that must go too", () => {
    const [first, second, ...others] = check(`
model "m.onnx"
layer a  Conv
  unit 0
  unit 1
  unit 2
layer b  Conv
  unit 0
  unit 2
layer c  Conv
  unit 0
  unit 1
# ^^^^^^ coupled-unit
  unit 2
layer d  Conv
  unit 0
# ^^^^^^ coupled-unit
  unit 2
  unit 3`);
    assert.deepEqual(others, []);
    assert.equal(
      first?.message,
      "unit 1 of c goes together with unit 1 of b, deleted already: delete this line too, or undo",
    );
    assert.deepEqual(first?.remove, [{ layer: "c", units: [1] }]);
    // Below unit 0 of b.
    const message = "unit 1 of b: deleted below this line";
    assert.deepEqual(first?.related, [{ line: 6, from: 2, to: 8, message }]);
    assert.deepEqual(second?.remove, [{ layer: "d", units: [0] }]);
  });

  it("is fine when whole groups are gone", () => {
    check(`
model "m.onnx"
layer a  Conv
  unit 0
  unit 1
  unit 2
layer b  Conv
  unit 0
  unit 2
layer c  Conv
  unit 0
  unit 2
layer d  Conv
  unit 2
  unit 3`);
  });

  it("is refused at the layer where its units cannot go, with the place that keeps them", () => {
    const [problem] = check(`
model "m.onnx"
layer a  Conv
#     ^ coupled-unit
  unit 0
  unit 2
layer b  Conv
  unit 0
  unit 1
  unit 2
layer c  Conv
  unit 0
  unit 1
  unit 2
layer d  Conv
  unit 0
  unit 1
  unit 2
  unit 3`);
    assert.match(problem!.message, /a cannot be pruned: it is added to x \(b\); put back: unit 1/);
    const message = "it is added to x (b)";
    assert.deepEqual(problem?.related, [{ line: 4, from: 6, to: 7, message }]);
  });

  it("names units that stay though others of their layer go", () => {
    const view = graphView(halfOut());
    const [problem, ...others] = without(view, [{ layer: "conv", units: [1, 4] }]).problems;
    assert.equal(problem?.code, "coupled-unit");
    assert.match(
      problem!.message,
      /^these units of conv cannot be .* an output .*put back: unit 1$/,
    );
    assert.deepEqual(others, []);
  });

  it("can take whole heads, or one place of every head where all its lines are gone", () => {
    const view = graphView(graph("attention"));
    const sets = (units: readonly number[], ...layers: string[]) =>
      layers.map((layer) => ({ layer, units }));
    const head = sets([0, 1, 2], "q", "k", "v");
    const places = sets([0, 3], "q", "k");
    for (const whole of [head, places]) {
      assert.deepEqual(without(view, whole).problems, []);
      assert.ok(takes(view, planPrune(graph("attention"), whole), whole));
      const { problems } = without(view, whole.slice(0, 1));
      assert.deepEqual(problems[0]?.remove, whole.slice(1));
    }
  });

  it("leaves something of each half of a Split", () => {
    const view = graphView(graph("splits"));
    const half = [{ layer: "conv", units: [0, 1, 2, 3] }];
    const [problem] = without(view, half).problems;
    assert.equal(problem?.code, "coupled-unit");
    assert.match(problem!.message, /^units 0, 1, 2, 3 of conv cannot all be pruned/);
    assert.ok("refusal" in planPrune(graph("splits"), half));
  });

  it("has one error for many lines of a layer", () => {
    const wide = (name: string) => layer(name, "Conv", 100);
    const coupling = { parallel: [["b", "c"]], groups: [], otherwise: [], stuck: [], apart: [] };
    const view = { ...small, layers: [wide("b"), wide("c")], coupling };
    const units = Array.from({ length: 99 }, (_, u) => u);
    const { problems } = without(view, [{ layer: "b", units }]);
    assert.equal(problems.length, 1);
    assert.match(
      problems[0]!.message,
      /^99 units of c go together with units 0, 1, 2, 3 and 95 more/,
    );
    assert.deepEqual(problems[0]?.remove, [{ layer: "c", units }]);
  });

  it("is told in Japanese", () => {
    const document = writeListing(small);
    const text = writeListing(small, undefined, { removed: [{ layer: "b", units: [1] }] }).text;
    const [problem] = checkEdit(small, document, text, "ja").problems;
    assert.match(problem!.message, /^c のユニット 1 は、削除済みの b のユニット 1 と一組です/);
  });

  for (const name of Object.keys(coupledGraphs))
    it(`of ${name} passes exactly when the plan takes these units and no others`, () => {
      const net = graph(name);
      const view = graphView(net);
      const coupling = Coupling.of(view);
      fc.assert(
        fc.property(anyRemoval(view), (sets) => {
          const { problems } = without(view, sets);
          // What the quick fix deletes.
          const fixed = coupling.whole([...sets, ...problems.flatMap((p) => p.remove ?? [])]);
          const after = without(view, fixed).problems;
          assert.equal(takes(view, planPrune(net, fixed), fixed), after.length === 0);
          // A plan for a few units of a head can take all of it instead.
          if (view.coupling?.otherwise.length) return;
          const planned = planPrune(net, sets);
          assert.equal("plan" in planned, after.length === 0);
          assert.equal(takes(view, planned, sets), problems.length === 0);
          if ("plan" in planned) assert.ok(takes(view, planned, fixed));
        }),
        { numRuns: 60, seed: 1 },
      );
    }).timeout(20_000);
});

/** One half of a convolution's units is an output of the model. */
function halfOut(): Graph {
  const x = image("N", 3, 6, 6);
  const conv = (name: string, input: Value, units: number, seed: number) =>
    op(
      "Conv",
      { pads: [1, 1, 1, 1] },
      [input, weights([units, Number(input.shape[1]), 3, 3], seed, `${name}.weight`)],
      name,
    );
  const [left, right] = operatorOfType
    .get("Split")!
    .node({ axis: 1, split: [3, 3] }, [conv("conv", x, 6, 3)], "halves").outputs as [Value, Value];
  return { inputs: [x], outputs: [left, conv("next", op("Relu", {}, [right]), 2, 5)] };
}

/** The problems of the text are those that are marked. */
function check(annotated: string) {
  const { text, expected } = fixture(annotated);
  const { problems } = checkEdit(small, writeListing(small), text);
  const marked = problems.map(({ line, from, to, code }) => ({ line, from, to, label: code }));
  assert.deepEqual(marked, expected);
  return problems;
}

/** The listing without the lines of some units. */
function without(view: ModelView, removed: readonly Removal[]) {
  const { text } = writeListing(view, undefined, { removed });
  assert.deepEqual(parseListing(text).problems, []);
  return checkEdit(view, writeListing(view), text);
}

/** Some units of some layers, in the order of the model. */
const anyRemoval = ({ layers }: ModelView): fc.Arbitrary<readonly Removal[]> =>
  fc
    .tuple(
      ...layers.map(({ name, units }) =>
        fc
          .tuple(fc.boolean(), fc.subarray(Array.from({ length: units }, (_, u) => u)))
          .map(([takes, some]) => ({ layer: name, units: takes ? some : [] })),
      ),
    )
    .map((sets) => sets.filter(({ units }) => units.length > 0))
    .filter((sets) => sets.length > 0);

const sorted = ({ layers }: ModelView, sets: readonly Removal[]): readonly Removal[] =>
  layers.flatMap(({ name }) => sets.filter((s) => s.layer === name && s.units.length > 0));

/** The plan removes these units and no others. */
const takes = (
  view: ModelView,
  planned: ReturnType<typeof planPrune>,
  sets: readonly Removal[],
): boolean =>
  "plan" in planned &&
  JSON.stringify(sorted(view, planned.plan.removed)) === JSON.stringify(sorted(view, sets));
