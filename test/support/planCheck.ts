import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { layersOf } from "#core/explain/layers.ts";
import type { Model } from "#core/formats/model.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { describe as show } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import { type UnitGroups, unitGroups } from "#core/prune/coupling/groups.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { type PrunePlan, planPrune } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { openModel, withWeights } from "#server/files/openModel.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import type { ModelFile } from "./modelFiles.ts";
import { OnnxFile } from "./onnxFile.ts";
import { inputsFor, MaskedOriginal, relativeDifference, whole, writePruned } from "./prunedFile.ts";
import { ALL_PLANS, randomPlans } from "./randomPlans.ts";
import { temporaryFolder } from "./temporary.ts";

/** Largest relative differences of pruned files from the masked original. */
export interface Checked {
  readonly title: string;
  readonly plans: number;
  readonly groups: number;
  /** By the reference in float64, where the model is small, and of plans where ONNX Runtime exceeds `ROUNDING`. */
  readonly reference?: number;
  /** By ONNX Runtime. */
  readonly runtime?: number;
  /** The pruned file itself in ONNX Runtime, where it is ONNX. */
  readonly file?: number;
  /** From the original that is not masked: no rounding. */
  readonly unmasked?: number;
  readonly seconds: number;
  /** Why nothing can be pruned. */
  readonly because?: string;
}

/** Of float32 sums in another order. */
export const ROUNDING = 1e-5;

/** Multiply–accumulates up to which the reference is fast enough. */
const SMALL = 1e6;
const SEED = 20_240;

/**
 * Prunes a model file by random plans, reads every file back and runs it against the original with the
 * units masked.
 */
export async function checkPlans({ title, path }: ModelFile, count: number): Promise<Checked> {
  const started = performance.now();
  const opened = await openModel(path);
  const folder = temporaryFolder();
  try {
    const done = (more: Partial<Checked>): Checked => ({
      title,
      plans: 0,
      groups: 0,
      seconds: (performance.now() - started) / 1000,
      ...more,
    });
    const [problem] = opened.problems;
    if (problem !== undefined) return done({ because: show(problem) });
    const { model } = await withWeights(opened, path);
    const found = unitGroups(model.graph);
    const stay = found.fixed.map((f) => f.layer);
    const grouped = found.groups.flatMap((g) => g.members.map((m) => m.layer));
    for (const { name } of layersOf(model.graph))
      assert.ok(stay.includes(name) || grouped.includes(name), `${name} is nowhere`);
    const [fixed] = found.fixed;
    if (found.groups.length === 0)
      return done({ because: fixed ? `${fixed.layer}: ${fixed.because}` : "it has no layers" });

    const chosen = randomPlans(found, count, SEED);
    if (count >= ALL_PLANS) assertAllReached(found, chosen);
    const plans = chosen.map((units) => {
      const planned = planPrune(model.graph, units);
      if ("plan" in planned) return planned.plan;
      const { because, at } = planned.refusal;
      return assert.fail(`${JSON.stringify(units)}: ${because} (${at})`);
    });
    const comparing = await Comparing.of(model, plans);
    for (const [i, plan] of plans.entries()) {
      const pruned = await writePruned(opened, path, plan, folder.path);
      assert.ok(pruned.model.parameters < model.parameters, `plan ${i}`);
      await comparing.add(plan, pruned.model, pruned.path, i);
    }
    await comparing.release();
    return done({ plans: plans.length, groups: found.groups.length, ...comparing.largest });
  } finally {
    await opened.close();
    folder.remove();
  }
}

/** Every group is in one plan at least. */
function assertAllReached({ groups }: UnitGroups, plans: readonly (readonly LayerUnits[])[]): void {
  const reached = new Set(
    plans.flat().flatMap(({ layer, units }) => units.map((u) => `${layer}/${u}`)),
  );
  for (const { members } of groups) {
    const [{ layer, units }] = members as [LayerUnits];
    assert.ok(reached.has(`${layer}/${units[0]}`), `${layer} ${units[0]} is in no plan`);
  }
}

type Differences = Partial<Record<"reference" | "runtime" | "file" | "unmasked", number>>;

const NOTHING: Pick<PrunePlan, "masks"> = { masks: [] };

class Comparing {
  readonly largest: Differences = {};
  readonly #model: Model;
  readonly #masked: MaskedOriginal;
  readonly #small: boolean;

  private constructor(model: Model, masked: MaskedOriginal) {
    this.#model = model;
    this.#masked = masked;
    this.#small = macs(whole(model.graph)) <= SMALL;
  }

  static async of(model: Model, plans: readonly PrunePlan[]): Promise<Comparing> {
    return new Comparing(model, await MaskedOriginal.of(model.graph, plans, onnxRuntime));
  }

  async add(plan: PrunePlan, pruned: Model, path: string, seed: number): Promise<void> {
    const { graph, format, facts } = this.#model;
    const inputs = inputsFor(graph, seed);
    const expected = await this.#masked.run(inputs, plan);
    const after = whole(pruned.graph);
    verify(after);
    const program = await onnxRuntime.compile(after);
    const found = await program.run(inputs);
    await program.release();
    this.#note("runtime", found, expected, seed);
    this.#note("unmasked", found, await this.#masked.run(inputs, NOTHING), seed);
    // Narrow floats are computed narrowly there.
    if (format === "onnx" && facts.widened.length === 0) {
      const names = graph.inputs.map((v) => v.node.name);
      const file = await OnnxFile.open(new Uint8Array(readFileSync(path)), names);
      this.#note("file", await file.run(inputs), expected, seed);
      await file.release();
    }
    // What is more than float32 should make out is decided in float64.
    if (!this.#small && relativeDifference(found, expected) <= ROUNDING) return;
    const of = (g: typeof graph) =>
      evaluate(g.outputs, new Map(g.inputs.map((v, i) => [v, inputs[i]!])));
    const masked = of(whole(maskUnits(graph, plan.masks)));
    this.#note("reference", of(after), masked, seed);
  }

  release(): Promise<void> {
    return this.#masked.release();
  }

  #note(
    by: keyof Differences,
    found: readonly Tensor[],
    expected: readonly Tensor[],
    plan: number,
  ): void {
    const difference = relativeDifference(found, expected);
    assert.ok(!Number.isNaN(difference), `${by}, plan ${plan}: NaN`);
    this.largest[by] = Math.max(this.largest[by] ?? 0, difference);
  }
}
