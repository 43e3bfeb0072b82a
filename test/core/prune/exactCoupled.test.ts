import assert from "node:assert/strict";
import { encode } from "#core/compile/encode.ts";
import type { Edit } from "#core/formats/edits.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, type Graph } from "#core/ir/graph.ts";
import { size } from "#core/ir/tensor.ts";
import { Structure } from "#core/prune/coupling/structure.ts";
import { redundancy } from "#core/prune/exact/redundant.ts";
import { planPrune } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { normal } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { assertNear } from "../../support/numbers.ts";
import { bytesOf, lines, readWell, siblingsOf, sourceOf } from "../formats/support.ts";

const SEEDS = 8;
const writes = { writes: true };

async function edited(bytes: Uint8Array, edits: readonly Edit[]): Promise<Uint8Array> {
  const { file, problems } = await onnx.applyEdits(sourceOf(bytes), siblingsOf({}), edits);
  assert.deepEqual(lines(problems), []);
  return bytesOf(file!.pieces());
}

async function opened(bytes: Uint8Array): Promise<Graph> {
  const { graph } = await readWell(bytes);
  await loadWeights(graph);
  return graph;
}

/** In some tensors index `to` of some axis becomes what `from` is, or 0, as training and pruning leave it. */
function plants(graph: Graph, seed: number): readonly Edit[] {
  const { uniform } = random(seed);
  const edits: Edit[] = [];
  for (const [tensor, [value]] of Structure.of(graph).stored) {
    const { dtype, shape, data } = constantOf(value)!;
    if (dtype !== "float32" || shape.length === 0 || uniform() < 0.1) continue;
    const zero = /weight/.test(tensor) && uniform() < 0.2;
    const axis = zero && uniform() < 0.5 ? shape.length - 1 : 0;
    const length = shape[axis]!;
    if (length < 2) continue;
    const inner = size(shape.slice(axis + 1));
    const [from, to] = [1, length > 3 ? 3 : 0];
    const write = Float32Array.from(data, (v, i) => {
      if (Math.floor(i / inner) % length !== to) return v;
      return zero ? 0 : data[i + (from - to) * inner]!;
    });
    edits.push({ tensor, write });
  }
  return edits;
}

const outputs = ({ inputs, outputs: all }: Graph) => {
  const shape = inputs[0]!.shape.map((d) => (typeof d === "number" ? d : 3));
  return evaluate(all, new Map([[inputs[0]!, normal(shape, 5)]]));
};

describe("exactly redundant units of coupled layers", () => {
  let found = 0;
  for (const [name, make] of Object.entries(coupledGraphs))
    it(`of ${name} go without a change of the outputs`, async () => {
      const original = encode(make());
      for (let seed = 1; seed <= SEEDS; seed++) {
        const bytes = await edited(original, plants(await opened(original), seed));
        const graph = await opened(bytes);
        const { layers } = redundancy(graph, writes);
        const sets = layers.flatMap((l) => {
          const units = l.redundant.filter((r) => r.obstacle === undefined).map((r) => r.unit);
          return units.length === 0 ? [] : [{ layer: l.name, units }];
        });
        if (sets.length === 0) continue;
        found++;
        const planned = planPrune(graph, sets, writes);
        assert.ok("plan" in planned, "refusal" in planned ? planned.refusal.because : "");
        assert.deepEqual(planned.plan.masks, []);
        const after = outputs(await opened(await edited(bytes, planned.plan.edits)));
        outputs(graph).forEach((y, i) => {
          assertNear(after[i]!.data, y.data, 1e-5, `seed ${seed}, output ${i}`);
        });
      }
    }).timeout(60_000);

  it("and there were some", () => {
    assert.ok(found > 20, `${found}`);
  });
});
