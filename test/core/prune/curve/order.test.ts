import assert from "node:assert/strict";
import { area, INPUTS, removalOrder, spread } from "#core/prune/curve/order.ts";
import { select } from "#core/prune/ranking/select.ts";
import type { RankedGroup } from "#protocol/views/ranking.ts";

const group = (score: number, ...members: [string, ...number[]][]): RankedGroup => ({
  score,
  members: members.map(([layer, ...units]) => ({ layer, units })),
});

/** Layer a of 3 and b of 2 units; a/2 and b/1 go together. */
const groups = [
  group(0.1, ["b", 0]),
  group(0.2, ["a", 0]),
  group(0.3, ["a", 2], ["b", 1]),
  group(0.4, ["a", 1]),
];
const scores = (list: readonly RankedGroup[]) => list.map((g) => g.score);

describe("the order in which units go", () => {
  it("ascending and descending, passing over what would empty a layer", () => {
    assert.deepEqual(scores(removalOrder(groups, "ascending")), [0.1, 0.2, 0.4]);
    // b/1 is the last of b once b/0 is gone; the other way round b/0 is.
    assert.deepEqual(scores(removalOrder(groups, "descending")), [0.4, 0.3]);
  });

  it("takes what `select` takes", () => {
    const many = Array.from({ length: 60 }, (_, u) => group(u, ["a", u]));
    const order = removalOrder(many, "ascending");
    assert.equal(order.length, 57);
    const ranking = { criterion: "importance", scope: "global", groups: many, fixed: [] } as const;
    for (const count of [1, 20, 57, 60])
      assert.deepEqual(select(ranking, { kind: "lowest", count }), order.slice(0, count));
  });

  it("random orders are permutations, by their seed", () => {
    const many = Array.from({ length: 30 }, (_, u) => group(u, [INPUTS, u]));
    const [one, again, other] = [1, 1, 2].map((s) => scores(removalOrder(many, "random", s)));
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
    for (const order of [one!, other!])
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        scores(many),
      );
  });

  it("every place is as likely for every group", () => {
    const three = [0, 1, 2].map((u) => group(u, [INPUTS, u]));
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 1200; seed++) {
      const key = scores(removalOrder(three, "random", seed)).join();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    assert.equal(seen.size, 6);
    // 200 expected; five standard deviations.
    for (const n of seen.values()) assert.ok(n > 135 && n < 265, `${n}`);
  });

  it("all elements of an input can go", () => {
    const inputs = [0, 1, 2].map((i) => group(i, [INPUTS, i]));
    assert.equal(removalOrder(inputs, "ascending").length, 3);
  });
});

describe("the points of a curve", () => {
  it("every number when there are few, else as many as asked, with both ends", () => {
    assert.deepEqual(spread(3, 33), [0, 1, 2, 3]);
    assert.deepEqual(spread(4, 5), [0, 1, 2, 3, 4]);
    assert.deepEqual(spread(60, 5), [0, 15, 30, 45, 60]);
    assert.deepEqual(spread(7, 2), [0, 7]);
    assert.equal(new Set(spread(100, 33)).size, 33);
  });

  it("area is the mean accuracy by trapezoids over the share removed", () => {
    const points = [
      { removed: 0, accuracy: 1 },
      { removed: 1, accuracy: 0.5 },
      { removed: 4, accuracy: 0.5 },
    ];
    assert.equal(area(points), (0.75 + 3 * 0.5) / 4);
    assert.equal(area([{ removed: 0, accuracy: 0.7 }]), 0.7);
  });
});
