import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { encode } from "#core/compile/encode.ts";
import { layersOf } from "#core/explain/layers.ts";
import type { Graph } from "#core/ir/graph.ts";
import { ProblemError } from "#core/problem.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { planFileOf, planText } from "#core/prune/planFile/planContent.ts";
import { decodePlan, type PlanFile } from "#core/prune/planFile/planFile.ts";
import { unitsOfPlan } from "#core/prune/planFile/planUnits.ts";
import { image, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { readWell } from "../formats/support.ts";

const SHA = "ab".repeat(32);

const problemOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    const { at, message } = error.problem;
    return `${at.file} ${at.place ?? ""}: ${message}`;
  }
  assert.fail("no problem");
};

const read = (json: unknown): PlanFile => decodePlan(json, "p.json");
const cut = (fields: object) => ({
  version: 1,
  tensors: [{ tensor: "t", axis: 0, remove: [1], ...fields }],
});

describe("a plan file", () => {
  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ["a list", [], /^p\.json \/: expected an object$/],
    ["nothing", null, /^p\.json \/: expected an object$/],
    ["no version", { units: [] }, /\/: expected "version"/],
    ["another version", { version: 2, units: [] }, /\/version: expected 1/],
    ["neither units nor tensors", { version: 1 }, /expected "units" or "tensors"/],
    ["units that are no list", { version: 1, units: {} }, /\/units: expected a list/],
    [
      "a unit without a layer",
      { version: 1, units: [{ units: [1] }] },
      /\/units\/0: expected "layer"/,
    ],
    [
      "a negative unit",
      { version: 1, units: [{ layer: "a", units: [0, -1] }] },
      /\/units\/0\/units\/1: expected an index/,
    ],
    [
      "half a unit",
      { version: 1, units: [{ layer: "a", units: [0.5] }] },
      /\/units\/0\/units\/0: expected an index/,
    ],
    [
      "a layer twice",
      { version: 1, units: [0, 1].map((u) => ({ layer: "a", units: [u] })) },
      /\/units\/1: a is there twice/,
    ],
    ["an axis without end", cut({ axis: 64 }), /\/tensors\/0\/axis: expected an axis/],
    [
      "an index too large",
      cut({ remove: [2 ** 31] }),
      /\/tensors\/0\/remove\/0: expected an index/,
    ],
    ["a shape of words", cut({ shape: ["N"] }), /\/tensors\/0\/shape\/0: expected a length/],
    ["a name that is none", cut({ tensor: "" }), /\/tensors\/0\/tensor: expected a name/],
    ["a hash that is none", { version: 1, model: { sha256: "12" }, units: [] }, /\/model\/sha256/],
  ];
  for (const [what, json, message] of wrong)
    it(`with ${what} is refused with the place`, () =>
      assert.match(
        problemOf(() => read(json)),
        message,
      ));

  it("is ordered and without doubles when it is read; what is not known is left out", () => {
    const units = [{ layer: "a", units: [3, 1, 3], note: "mine" }];
    assert.deepEqual(read({ $schema: "x", version: 1, units }), {
      version: 1,
      units: [{ layer: "a", units: [1, 3] }],
    });
  });

  it("never breaks the reader, whatever is in it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (a, b, c) => {
        for (const json of [a, { version: 1, units: [a, b], tensors: c, model: b, cost: a }])
          try {
            read(json);
          } catch (error) {
            assert.ok(error instanceof ProblemError, String(error));
          }
      }),
      { numRuns: 1000 },
    );
  });

  it("says of every coupled graph what the schema promises, and is read back the same", async () => {
    const schema = JSON.parse(readFileSync("schemas/kaibo-plan.schema.json", "utf8")) as {
      properties: object;
      definitions: object;
    };
    for (const [name, make] of Object.entries(coupledGraphs)) {
      const { graph } = await readWell(encode(make()));
      const [first] = planned(graph);
      if (first === undefined) continue;
      const file = planFileOf(graph, { name, sha256: SHA }, first);
      for (const key of Object.keys(file)) assert.ok(key in schema.properties, key);
      const back = read(JSON.parse(planText(file)));
      assert.deepEqual(back, file, name);
      const again = unitsOfPlan({ graph, sha256: SHA }, back, "p.json");
      assert.deepEqual(again, { units: first.removed, other: false, folded: [] }, name);
    }
  });

  it("of tensors alone means the units that they belong to", async () => {
    for (const [name, make] of Object.entries(coupledGraphs)) {
      const { graph } = await readWell(encode(make()));
      for (const plan of planned(graph)) {
        const { units: _units, ...rest } = planFileOf(graph, { name }, plan);
        const found = unitsOfPlan({ graph, sha256: SHA }, rest, "p.json");
        assert.deepEqual(byName(found.units), byName(plan.removed), name);
      }
    }
  });
});

/** One plan per layer that can lose its first unit. */
function planned(graph: Graph) {
  const names = new Set<string>();
  return layersOf(graph).flatMap(({ name: layer }) => {
    if (names.has(layer)) return [];
    const result = planPrune(graph, [{ layer, units: [0] }]);
    if ("refusal" in result) return [];
    for (const { layer: also } of result.plan.removed) names.add(also);
    return [result.plan];
  });
}

const byName = (sets: readonly UnitSet[]) => [...sets].sort((a, b) => (a.layer < b.layer ? -1 : 1));

describe("applying a plan", () => {
  const x = image("N", 2, 6, 6);
  const c = op("Conv", {}, [
    x,
    weights([5, 2, 3, 3], 1, "stem.weight"),
    weights([5], 2, "stem.bias"),
  ]);
  const flat = op("Flatten", { axis: 1 }, [op("Relu", {}, [c])]);
  const y = op(
    "Gemm",
    {},
    [flat, weights([80, 3], 3, "onnx::Gemm_9"), weights([3], 4, "head.bias")],
    "/head/Gemm",
  );
  const graph: Graph = { inputs: [x], outputs: [y] };
  const target = { graph, sha256: SHA };
  const apply = (fields: object) => unitsOfPlan(target, read({ version: 1, ...fields }), "p.json");
  const tensors = (tensor: string, axis: number, ...remove: number[]) => ({
    tensors: [{ tensor, axis, remove }],
  });

  it("adds what is coupled with the indices of a tensor", () => {
    const units = [{ layer: "stem", units: [2] }];
    for (const plan of [
      tensors("stem.weight", 0, 2),
      tensors("stem.bias", 0, 2),
      tensors("onnx::Gemm_9", 0, 40),
      // The state_dict's name, the other way round.
      tensors("head.weight", 1, 33, 34),
    ])
      assert.deepEqual(apply(plan).units, units);
  });

  it("leaves out normalisations that the model has no more, and says so", () => {
    const names = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"];
    const plan = ["stem.weight", ...names].map((tensor) => ({ tensor, axis: 0, remove: [1] }));
    assert.deepEqual(apply({ tensors: plan }), {
      units: [{ layer: "stem", units: [1] }],
      other: false,
      folded: names,
    });
  });

  const model = { name: "old.onnx", sha256: "cd".repeat(32) };
  const refusals: readonly (readonly [string, object, RegExp])[] = [
    [
      "an unknown tensor",
      tensors("stem.wieght", 0, 1),
      /tensor stem\.wieght: there is no such tensor/,
    ],
    [
      "an axis that is not there",
      tensors("stem.bias", 1, 0),
      /stem\.bias has no axis 1: it is \[5\]/,
    ],
    [
      "an index that is not there",
      tensors("stem.bias", 0, 5),
      /axis 0 of stem\.bias has no index 5/,
    ],
    ["indices of the input", tensors("stem.weight", 1, 0), /units are an input of the model/],
    ["indices of the output", tensors("head.bias", 0, 0), /outputs? of the model/],
    [
      "a tensor of another shape",
      { tensors: [{ tensor: "stem.weight", axis: 0, remove: [0], shape: [6, 2, 3, 3] }] },
      /another model: stem\.weight is \[5, 2, 3, 3\], in the plan \[6, 2, 3, 3\]/,
    ],
    [
      "a layer of another size",
      { model, units: [{ layer: "stem", units: [0], of: 8 }] },
      /for another model \(old\.onnx\): stem has 5 units, in the plan 8/,
    ],
    ["an unknown layer", { units: [{ layer: "conv", units: [0] }] }, /there is no layer conv/],
    ["a unit that is not there", { units: [{ layer: "stem", units: [5] }] }, /stem has no unit 5/],
    [
      "nothing to remove",
      { units: [{ layer: "stem", units: [] }], tensors: [] },
      /removes nothing/,
    ],
    [
      "another revision without sizes",
      { model, units: [{ layer: "stem", units: [0] }] },
      /another revision of the model \(old\.onnx\), and does not say the sizes/,
    ],
  ];
  for (const [what, fields, message] of refusals)
    it(`refuses ${what}`, () =>
      assert.match(
        problemOf(() => apply(fields)),
        message,
      ));

  it("of another revision goes on where the layers have the same names and sizes", () => {
    const found = apply({ model, units: [{ layer: "stem", units: [0], of: 5 }] });
    assert.deepEqual(found, { units: [{ layer: "stem", units: [0] }], other: true, folded: [] });
  });
});
