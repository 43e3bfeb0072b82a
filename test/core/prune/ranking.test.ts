import assert from "node:assert/strict";
import type { FixedLayer, UnitGroup } from "#core/prune/coupling/groups.ts";
import { unitGroups, unitWidths } from "#core/prune/coupling/groups.ts";
import { planPrune } from "#core/prune/plan.ts";
import { rankGroups, rankRandomly, unitsOf } from "#core/prune/ranking/rank.ts";
import { LEAST_KEPT } from "#core/prune/ranking/room.ts";
import { roundKept, type Selection, select } from "#core/prune/ranking/select.ts";
import { random } from "#core/random.ts";
import type { LayerUnits, UnitRanking } from "#protocol/views/ranking.ts";
import { coupledGraphs } from "../../support/coupled.ts";

/** "a 0 + b 1,2" */
function group(text: string): UnitGroup {
  const members = text.split(" + ").map((part): LayerUnits => {
    const [layer, units] = part.split(" ") as [string, string];
    return { layer, units: units.split(",").map(Number) };
  });
  return { members };
}

const show = ({ members }: UnitGroup): string =>
  members.map((m) => `${m.layer} ${m.units}`).join(" + ");

const singles = (layer: string, count: number): UnitGroup[] =>
  Array.from({ length: count }, (_, u) => group(`${layer} ${u}`));

/** Of one layer, by scores. */
const ranking = (scores: Record<string, number[]>, scope: UnitRanking["scope"]): UnitRanking =>
  rankGroups(
    Object.entries(scores).flatMap(([layer, values]) => singles(layer, values.length)),
    [],
    new Map(Object.entries(scores)),
    { criterion: "importance", scope },
  );

describe("ranking groups", () => {
  it("of single units gives their scores, lowest first, the later one first of equal ones", () => {
    const { groups } = ranking({ a: [3, 1, 2, 1] }, "layer");
    assert.deepEqual(
      groups.map((g) => [show(g), g.score]),
      [
        ["a 3", 1],
        ["a 1", 1],
        ["a 2", 2],
        ["a 0", 3],
      ],
    );
  });

  it("divides scores by their layer's mean where all layers compare", () => {
    const { groups } = ranking({ a: [100, 300], b: [1, 3, 8] }, "global");
    assert.deepEqual(
      groups.map((g) => [show(g), g.score]),
      [
        ["b 0", 0.25],
        ["a 0", 0.5],
        ["b 1", 0.75],
        ["a 1", 1.5],
        ["b 2", 2],
      ],
    );
  });

  it("takes the mean of the layers' parts, and of a layer's units", () => {
    const groups = [group("a 0 + b 0,1"), group("a 1 + b 2,3 + c 0")];
    const scores = new Map([
      ["a", [1, 3]],
      ["b", [10, 20, 30, 60]],
    ]);
    const global = rankGroups(groups, [], scores, { criterion: "taylor", scope: "global" });
    // a: means 2; b: mean 30. c has no scores and does not count.
    assert.deepEqual(
      global.groups.map((g) => g.score),
      [(1 / 2 + 15 / 30) / 2, (3 / 2 + 45 / 30) / 2],
    );
    const own = rankGroups(groups, [], scores, { criterion: "taylor", scope: "layer" });
    assert.deepEqual(
      own.groups.map((g) => g.score),
      [1, 3],
    );
  });

  it("says which layers have no scores", () => {
    const fixed: readonly FixedLayer[] = [{ layer: "z", because: "outputs", at: "z" }];
    const found = rankGroups(
      [group("a 0"), group("a 1"), group("b 0"), group("c 0 + b 1")],
      fixed,
      new Map([["b", [1, 2]]]),
      {
        criterion: "bn-scale",
        scope: "layer",
        unscored: new Map([["a", "no BatchNormalization follows it"]]),
      },
    );
    assert.deepEqual(found.groups.map(show), ["b 0", "c 0 + b 1"]);
    assert.deepEqual(found.fixed, [
      { layer: "a", because: "no BatchNormalization follows it", at: "a" },
      ...fixed,
    ]);
  });

  it("keeps a layer whose scores are all 0 in order", () => {
    const { groups } = ranking({ a: [0, 0], b: [1, 1] }, "global");
    assert.deepEqual(groups.map(show), ["a 1", "a 0", "b 1", "b 0"]);
  });

  it("at random is the same for the same seed alone", () => {
    const groups = [...singles("a", 20), ...singles("b", 20)];
    const of = (seed: number) =>
      rankRandomly(groups, [], { scope: "global", seed }).groups.map(show);
    assert.deepEqual(of(3), of(3));
    assert.notDeepEqual(of(3), of(4));
    assert.deepEqual(new Set(of(3)), new Set(groups.map(show)));
    const early = of(3)
      .slice(0, 20)
      .filter((g) => g.startsWith("a")).length;
    assert.ok(early > 4 && early < 16);
  });
});

describe("choosing groups by rank", () => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
  const taken = (from: UnitRanking, selection: Selection) =>
    inOrder(unitsOf(select(from, selection))).map((s) => `${s.layer} ${s.units}`);

  it("takes the lowest of each layer, or of all together", () => {
    const scores = { a: [5, 1, 2, 3], b: [10, 40, 20, 30] };
    const lowest = { kind: "lowest", count: 2 } as const;
    assert.deepEqual(taken(ranking(scores, "layer"), lowest), ["a 1,2", "b 0,2"]);
    // a / 2.75: .36, .73, 1.1, 1.8; b / 25: .4, .8, 1.2, 1.6
    assert.deepEqual(taken(ranking(scores, "global"), lowest), ["a 1", "b 0"]);
  });

  it("takes a share, rounded down", () => {
    const scores = { a: upTo(10), b: upTo(4) };
    const of = (scope: UnitRanking["scope"], share: number) =>
      taken(ranking(scores, scope), { kind: "share", share });
    assert.deepEqual(of("layer", 0.5), ["a 0,1,2,3,4", "b 0,1"]);
    assert.deepEqual(of("layer", 0.2), ["a 0,1"]);
    assert.deepEqual(of("global", 0.5).join(" ").match(/\d+/g)!.length, 7);
    assert.deepEqual(
      taken(ranking({ a: upTo(100) }, "layer"), { kind: "share", share: 0.29 })[0]!.split(",")
        .length,
      29,
    );
  });

  it("takes what is below a share of the largest", () => {
    const scores = { a: [5, 1, 2, 10], b: [100, 20, 51, 49] };
    const below = { kind: "below", share: 0.5 } as const;
    assert.deepEqual(taken(ranking(scores, "layer"), below), ["a 1,2", "b 1,3"]);
    assert.deepEqual(taken(ranking(scores, "layer"), { kind: "below", share: 0 }), []);
  });

  it("keeps a twentieth of every layer, and one unit at least", () => {
    const all = { kind: "share", share: 1 } as const;
    for (const [units, kept] of [
      [2, 1],
      [20, 1],
      [21, 2],
      [100, 5],
    ] as const) {
      const [gone] = unitsOf(select(ranking({ a: upTo(units) }, "layer"), all));
      assert.equal(units - gone!.units.length, kept, `of ${units}`);
    }
  });

  it("takes the next ones where a coupled layer has none to spare", () => {
    const groups = [
      group("a 0 + c 0"),
      group("a 1 + c 1"),
      group("b 0"),
      group("b 1"),
      group("b 2"),
    ];
    const scores = new Map([
      ["a", [1, 2]],
      ["b", [3, 4, 9]],
    ]);
    const found = rankGroups(groups, [], scores, { criterion: "importance", scope: "global" });
    const two = select(found, { kind: "lowest", count: 2 }).map(show);
    assert.deepEqual(two.toSorted(), ["a 0 + c 0", "b 0"]);
  });

  it("never leaves a layer of coupled graphs empty, nor half of a Split", () => {
    let splits = 0;
    for (const make of Object.values(coupledGraphs)) {
      const graph = make();
      const { groups, fixed, apart } = unitGroups(graph);
      const widths = unitWidths(graph);
      splits += apart.length;
      for (const scope of ["layer", "global"] as const)
        for (const [seed, share] of [0.3, 0.6, 1, 1, 1, 1].entries()) {
          const found = select(rankRandomly(groups, fixed, { scope, seed, apart }), {
            kind: "share",
            share,
          });
          if (found.length === 0) continue;
          const sets = unitsOf(found);
          for (const { layer, units } of sets) {
            const left = widths.get(layer)! - units.length;
            assert.ok(left >= Math.max(1, LEAST_KEPT * widths.get(layer)!), `${layer} ${left}`);
          }
          const planned = planPrune(graph, sets);
          assert.ok("plan" in planned, "refusal" in planned ? planned.refusal.because : "");
          assert.deepEqual(inOrder(planned.plan.removed), inOrder(sets));
        }
    }
    assert.ok(splits > 0);
  });
});

describe("rounding what is kept", () => {
  it("lets fewer go, those that matter least", () => {
    const scores = Array.from({ length: 32 }, (_, u) => u + 1);
    const found = ranking({ a: scores }, "layer");
    const widths = new Map([["a", 32]]);
    const kept = (count: number, multiple: number) => {
      const left = roundKept(select(found, { kind: "lowest", count }), widths, multiple);
      assert.deepEqual(left.map(show), found.groups.slice(0, left.length).map(show));
      return 32 - left.length;
    };
    assert.deepEqual(
      [kept(8, 8), kept(9, 8), kept(15, 8), kept(7, 8), kept(17, 16)],
      [24, 24, 24, 32, 16],
    );
  });

  it("leaves multiples in every layer of a group that loses units", () => {
    const next = random(9);
    for (let trial = 0; trial < 40; trial++) {
      const widths = new Map([
        ["a", 32],
        ["b", 32],
        ["c", 64],
        ["d", 24],
        ["e", 30],
      ]);
      // c is made of a and b; d stands alone; of e two units go together.
      const groups = [
        ...Array.from({ length: 32 }, (_, u) => group(`a ${u} + c ${u}`)),
        ...Array.from({ length: 32 }, (_, u) => group(`b ${u} + c ${u + 32}`)),
        ...singles("d", 24),
        ...Array.from({ length: 15 }, (_, u) => group(`e ${2 * u},${2 * u + 1}`)),
      ];
      const found = rankRandomly(groups, [], { scope: "global", seed: trial });
      const selected = select(found, { kind: "share", share: next.uniform() });
      const left = roundKept(selected, widths, 8);
      assert.ok(left.every((g) => selected.includes(g)));
      for (const { layer, units } of unitsOf(left))
        assert.equal((widths.get(layer)! - units.length) % 8, 0, layer);
      const lost = selected.length - left.length;
      assert.ok(lost <= 2 * 7 + 7 + 4, `${lost} stay`);
    }
  });
});

const inOrder = (sets: readonly LayerUnits[]) =>
  sets.toSorted((a, b) => (a.layer < b.layer ? -1 : 1));
