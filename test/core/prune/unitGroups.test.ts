import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { layersOf } from "#core/explain/layers.ts";
import type { Graph } from "#core/ir/graph.ts";
import { type UnitGroups, unitGroups, unitWidths } from "#core/prune/coupling/groups.ts";
import { groupOf } from "#core/prune/plan.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { largeNets } from "../../support/largeNets.ts";
import { readWell } from "../formats/support.ts";

describe("all groups of coupled units", () => {
  for (const [name, make] of Object.entries(coupledGraphs))
    it(`of ${name} are those of every unit`, () => assertSame(make()));

  const folder = fileURLToPath(new URL("../../fixtures/pytorchModels/", import.meta.url));
  for (const file of readdirSync(folder).filter((f) => f.endsWith(".onnx")))
    it(`of PyTorch's ${file} are those of every unit`, async () => {
      const { graph } = await readWell(new Uint8Array(readFileSync(`${folder}${file}`)));
      const { groups } = assertSame(graph);
      assert.ok(groups.length > 0);
    });

  it("are named by the layer that is asked for, the first one first", () => {
    const graph = coupledGraphs.residual!();
    const of = (...layers: string[]) =>
      unitGroups(graph, layers).groups.map((g) => show(g.members));
    assert.deepEqual(of("b").slice(0, 2), ["b 0 + stem 0", "b 1 + stem 1"]);
    assert.deepEqual(of("b").length, 6);
    assert.deepEqual(
      of("d", "stem", "b").filter((g) => /\b1\b/.test(g)),
      ["d 1 + down 1", "stem 1 + b 1"],
    );
  });

  it("hold several units of a layer where those go together", () => {
    const { groups } = unitGroups(coupledGraphs.attention!());
    assert.deepEqual(
      groups.map((g) => show(g.members)).filter((g) => g.startsWith("q")),
      ["q 0,1,2 + k 0,1,2 + v 0,1,2", "q 3,4,5 + k 3,4,5 + v 3,4,5"],
    );
  });

  it("know what else must not lose all: halves of a Split, parts of a Slice", () => {
    const of = (name: string) => unitGroups(coupledGraphs[name]!()).apart.map(show);
    assert.deepEqual(of("splits"), ["conv 0,1,2,3", "conv 4,5,6,7,8"]);
    assert.deepEqual(of("slices"), ["conv 0,1,2,3,4", "conv 4,5,6,7"]);
    for (const name of ["residual", "dense", "mobile", "attention", "manyGroups"])
      assert.deepEqual(of(name), [], name);
  });

  it("leave out layers that stay, with the reason", () => {
    const { groups, fixed } = unitGroups(coupledGraphs.gated!(), ["where", "head", "conv9"]);
    assert.deepEqual(groups, []);
    assert.deepEqual(
      fixed.map((f) => `${f.layer}: ${f.because}`),
      [
        "where: at least one unit must stay",
        "head: its units are the outputs of the model",
        "conv9: there is no layer conv9; there are conv, where, next, head",
      ],
    );
  });

  it("of ResNet-50 take 0.2 s", () => {
    const times = [1, 2, 3].map(() => {
      const graph = largeNets.resnet50();
      const start = performance.now();
      const { groups, fixed } = unitGroups(graph);
      const time = performance.now() - start;
      // The stem, four streams, and two layers in each of 16 blocks.
      assert.equal(
        groups.length,
        64 + 256 + 512 + 1024 + 2048 + 2 * (3 * 64 + 4 * 128 + 6 * 256 + 3 * 512),
      );
      assert.deepEqual(
        fixed.map((f) => f.layer),
        ["head"],
      );
      assert.equal(groups.find((g) => g.members[0]!.layer === "3.0.c")!.members.length, 4);
      return time;
    });
    assert.ok(Math.min(...times) < 200, `${times.join(", ")} ms`);
  }).timeout(20_000);

  it("of DenseNet-121 and of 3,100 residual blocks take a few seconds at most", () => {
    for (const make of [largeNets.denseNet121, largeNets.deepResidual]) {
      const graph = make();
      const start = performance.now();
      const { groups } = unitGroups(graph);
      const time = performance.now() - start;
      assert.ok(groups.length > 10_000 && time < 4000, `${groups.length} groups, ${time} ms`);
    }
  }).timeout(20_000);
});

const show = (members: readonly LayerUnits[]): string =>
  members.map((m) => `${m.layer} ${m.units}`).join(" + ");

/** Every unit is in the group that its own closure gives, once; or in none where that is refused. */
function assertSame(graph: Graph): UnitGroups {
  const found = unitGroups(graph);
  const groupWith = new Map<string, readonly LayerUnits[]>();
  for (const { members } of found.groups)
    for (const { layer, units } of members)
      for (const u of units) {
        assert.ok(!groupWith.has(`${layer}/${u}`), `${layer}/${u} is in two groups`);
        groupWith.set(`${layer}/${u}`, members);
      }
  const widths = unitWidths(graph);
  for (const layer of layersOf(graph)) {
    assert.equal(widths.get(layer.name), layer.units);
    let free = 0;
    for (let u = 0; u < layer.units; u++) {
      const alone = groupOf(graph, layer, u);
      const here = groupWith.get(`${layer.name}/${u}`);
      if ("refusal" in alone) assert.equal(here, undefined, `${layer.name}/${u}`);
      else {
        free++;
        assert.equal(sorted(here ?? []), sorted(alone.members), `${layer.name}/${u}`);
      }
    }
    const stays = found.fixed.find((f) => f.layer === layer.name);
    assert.equal(stays === undefined, free > 0, layer.name);
  }
  return found;
}

const sorted = (members: readonly LayerUnits[]): string =>
  show(members.toSorted((a, b) => (a.layer < b.layer ? -1 : 1)));
