import assert from "node:assert/strict";
import { type Narrower, Narrowing } from "#core/prune/ranking/narrowing.ts";
import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";

type Widths = Readonly<Record<string, number>>;

/** Units score by their number: unit 0 goes first. */
const rankingOf = (widths: Widths): UnitRanking => ({
  criterion: "importance",
  scope: "global",
  groups: Object.entries(widths)
    .flatMap(([layer, units]) =>
      Array.from(
        { length: units },
        (_, u): RankedGroup => ({ members: [{ layer, units: [u] }], score: u / units }),
      ),
    )
    .sort((a, b) => a.score - b.score),
  fixed: [],
});

const without = (widths: Widths, { groups }: Narrower): Widths => {
  const left: Record<string, number> = { ...widths };
  for (const { members } of groups)
    for (const { layer, units } of members) left[layer]! -= units.length;
  return left;
};

/** Searches to the end; what each try was left with. */
function search(before: Widths, enough: (widths: Widths) => boolean) {
  let now = before;
  const narrowing = new Narrowing(rankingOf(before));
  const tried: (readonly [string | undefined, Widths, boolean])[] = [];
  for (;;) {
    const next = narrowing.next(rankingOf(now));
    if (next === undefined) return { now, tried };
    assert.ok(tried.length < 1000, "it does not end");
    const left = without(now, next);
    const held = enough(left);
    tried.push([next.layer, left, held]);
    narrowing.tried(next, held);
    if (held) now = left;
  }
}

describe("looking for the smallest numbers of units", () => {
  it("finds the number of a single layer by bisection", () => {
    for (const least of [1, 2, 3, 17, 63, 64]) {
      const { now, tried } = search({ a: 64 }, ({ a }) => a! >= least);
      // 5 % of 64 always stay of what is ranked at once.
      assert.equal(now.a, least);
      assert.ok(tried.length <= 9, `${least}: ${tried.length} tries`);
      assert.ok(tried.every(([layer]) => layer === "a"));
    }
  });

  it("narrows all layers together first, then each in turn, to where none can lose more", () => {
    const least: Widths = { a: 3, b: 20, c: 7 };
    const enough = (widths: Widths) => Object.entries(widths).every(([l, n]) => n >= least[l]!);
    const { now, tried } = search({ a: 16, b: 32, c: 24 }, enough);
    assert.deepEqual(now, least);
    const layers = tried.map(([layer]) => layer);
    const first = layers.findIndex((l) => l !== undefined);
    assert.ok(first > 0 && layers.slice(first).every((l) => l !== undefined));
    assert.deepEqual(layers.slice(first, first + 3), ["a", "b", "c"]);
    assert.ok(tried.length <= 20, `${tried.length} tries`);
  });

  it("where layers make up for each other, no unit more can go in the end", () => {
    const enough = ({ a, b }: Widths) => a! * b! >= 60;
    const { now } = search({ a: 20, b: 20 }, enough);
    assert.ok(enough(now), JSON.stringify(now));
    for (const layer of ["a", "b"])
      assert.ok(!enough({ ...now, [layer]: now[layer]! - 1 }), JSON.stringify(now));
  });

  it("leaves everything where nothing can go", () => {
    const { now, tried } = search({ a: 8, b: 8 }, ({ a, b }) => a === 8 && b === 8);
    assert.deepEqual(now, { a: 8, b: 8 });
    assert.ok(tried.every(([, , held]) => !held));
  });

  it("leaves alone what the ranking does not let go", () => {
    const widths = { a: 4 };
    const [first, second] = rankingOf(widths).groups;
    // One of the first two units must stay, whatever else goes.
    const apart = [[first!, second!].map(({ members }) => members[0]!)];
    const next = new Narrowing(rankingOf(widths)).next({ ...rankingOf(widths), apart });
    assert.deepEqual(
      next!.groups.map(({ members }) => members[0]!.units[0]),
      [0, 2],
    );
  });
});
