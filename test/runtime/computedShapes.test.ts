import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fold } from "#core/compile/fold.ts";
import { randomInputs } from "#core/data/randomInputs.ts";
import type { Graph } from "#core/ir/graph.ts";
import { bindLengths } from "#core/ir/lengths.ts";
import { alternativeGroups } from "#core/prune/coupling/alternatives.ts";
import { unitGroups } from "#core/prune/coupling/groups.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune } from "#core/prune/plan.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { openModel, withWeights } from "#server/files/openModel.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { OnnxFile } from "../support/onnxFile.ts";
import { assertEqualsMasked } from "../support/planTable.ts";
import { relativeDifference, writePruned } from "../support/prunedFile.ts";
import { plansFor, randomPlans } from "../support/randomPlans.ts";
import { temporaryFolder } from "../support/temporary.ts";

const EXPORTERS = ["script", "dynamo"] as const;
const fixture = (path: string) =>
  fileURLToPath(new URL(`../fixtures/${path}.onnx`, import.meta.url));

/** `size` units from `from` on, in each of the parts. */
const range = (from: number, size: number, ...parts: number[]): readonly number[] =>
  parts.flatMap((part) => Array.from({ length: size }, (_, i) => part + from + i));

const heads = (
  count: number,
  members: (head: number) => Readonly<Record<string, readonly number[]>>,
) => Array.from({ length: count }, (_, head) => members(head));

const alone = (layer: string, count: number) => heads(count, (u) => ({ [layer]: [u] }));

/** What has to go together: whole heads, and hidden units each for itself. */
const NETWORKS: Readonly<Record<string, readonly Readonly<Record<string, readonly number[]>>[]>> = {
  encoderLayer: [
    ...heads(3, (h) => ({ "layer.self_attn": range(4 * h, 4, 0, 12, 24) })),
    ...alone("layer.linear1", 16),
  ],
  sequenceFirst: [
    ...heads(4, (h) => ({ attention: range(3 * h, 3, 0, 12, 24) })),
    ...alone("attention.out_proj", 12),
  ],
  vit: [
    ...heads(2, (h) => ({ "block.attn": range(6 * h, 6, 0, 12, 24) })),
    ...alone("block.mlp.0", 24),
  ],
  bert: heads(3, (h) => {
    const units = range(4 * h, 4, 0);
    return { query: units, key: units, value: units };
  }),
  grouped: heads(2, (h) => {
    const units = range(4 * h, 4, 0);
    return { q_proj: range(8 * h, 8, 0), k_proj: units, v_proj: units };
  }),
  lstm: alone("lstm", 6),
  gru: [...alone("gru", 8), ...alone("gru#2", 8), ...alone("last", 6)],
};

/** Batch, and length of the sequence where it is open; exported with 3 and 6 or 7. */
const SIZES = [
  [1, 4],
  [5, 11],
] as const;
const PLANS = plansFor(8);

describe("attention and recurrent layers whose shapes the file computes", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  for (const [name, expected] of Object.entries(NETWORKS))
    for (const exporter of EXPORTERS) {
      const path = fixture(`attention/${name}.${exporter}`);

      it(`${name} by ${exporter} goes by whole heads and hidden units`, async () => {
        const model = await modelOf(path);
        const found = unitGroups(model.graph).groups.map(({ members }) =>
          Object.fromEntries(members.map((m) => [m.layer, m.units])),
        );
        const sorted = (groups: readonly object[]) => groups.map((g) => sortedText(g)).sort();
        assert.deepEqual(sorted(found), sorted(expected));
      });

      it(`${name} by ${exporter}, pruned, computes what it does masked, with other batches and lengths, too`, async () => {
        const { plans } = await assertEqualsMasked({ title: name, path }, PLANS);
        assert.equal(plans, PLANS);
        const model = await modelOf(path);
        for (const units of randomPlans(unitGroups(model.graph), 2, 5))
          for (const [batch, length] of SIZES) await compared(path, units, batch, length);
      });
    }

  for (const exporter of EXPORTERS)
    it(`keep the scale of a head whose places go (${exporter})`, async () => {
      const path = fixture(`pytorchModels/transformer.${exporter}`);
      const model = await modelOf(path);
      const [places] = alternativeGroups(model.graph, ["blocks.0.qkv"]);
      assert.deepEqual(places?.members, [{ layer: "blocks.0.qkv", units: [0, 6, 12, 18, 24, 30] }]);
      await compared(path, places.members, 2, 0);
    });

  /** The pruned file in ONNX Runtime against the masked original. */
  async function compared(
    path: string,
    units: readonly LayerUnits[],
    batch: number,
    length: number,
  ): Promise<void> {
    const opened = await openModel(path);
    const { model } = await withWeights(opened, path);
    const planned = planPrune(model.graph, units);
    assert.ok("plan" in planned);
    const masked = sized(maskUnits(model.graph, planned.plan.masks), batch, length);
    const inputs = randomInputs(masked, batch);
    const program = await onnxRuntime.compile(masked);
    const expected = await program.run(inputs);
    await program.release();
    const pruned = await writePruned(opened, path, planned.plan, folder.path);
    await opened.close();
    const names = model.graph.inputs.map((v) => v.node.name);
    const file = await OnnxFile.open(new Uint8Array(readFileSync(pruned.path)), names);
    const difference = relativeDifference(await file.run(inputs), expected);
    await file.release();
    assert.ok(difference <= 1e-5, `batch ${batch}, length ${length}: ${difference}`);
  }
});

async function modelOf(path: string) {
  const opened = await openModel(path);
  const { model } = await withWeights(opened, path);
  await opened.close();
  return model;
}

const sortedText = (group: object): string => JSON.stringify(Object.entries(group).sort());

function sized(graph: Graph, batch: number, length: number): Graph {
  const lengths = new Map<string, number>();
  for (const { shape } of graph.inputs)
    shape.forEach((d, axis) => {
      if (typeof d === "string") lengths.set(d, axis === 0 ? batch : length);
    });
  return fold(bindLengths(graph, lengths).graph);
}
