import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { size, type Tensor } from "#core/ir/tensor.ts";
import { unitGroups } from "#core/prune/coupling/groups.ts";
import { planPrune } from "#core/prune/plan.ts";
import { openModel, withWeights } from "#server/files/openModel.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { fixtureModels, type ModelFile, realModels } from "../support/modelFiles.ts";
import { inputsFor, MaskedOriginal, writePruned } from "../support/prunedFile.ts";
import { randomPlans } from "../support/randomPlans.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SCRIPT = fileURLToPath(new URL("../support/loadPruned.py", import.meta.url));
const PLANS = 2;
const python = process.env.KAIBO_PYTHON;
const FRAMEWORKS = ["onnx, onnxruntime", "keras"] as const;
const has = (framework: string) =>
  python !== undefined && spawnSync(python, ["-c", `import ${framework}`]).status === 0;

describe("pruned files in their own frameworks, in Python", function () {
  this.timeout(600_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  for (const framework of FRAMEWORKS) {
    if (!has(framework)) {
      it(`skipped: needs KAIBO_PYTHON with ${framework}`);
      continue;
    }
    const ending = framework === "keras" ? /\.(keras|h5|hdf5)$/ : /\.onnx$/;
    it(`${framework} checks, loads and runs them`, async () => {
      const files = [...fixtureModels(), ...realModels()].filter(({ path }) => ending.test(path));
      const cases = [];
      for (const file of files)
        cases.push(...(await casesOf(file, `${framework[0]}${cases.length}`)));
      writeFileSync(folder.file("cases.json"), JSON.stringify(cases));
      const { status, stdout, stderr } = spawnSync(python!, [SCRIPT, folder.path], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stderr);
      const results = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Loaded);
      const loaded = results.filter((r) => r.skipped === undefined);
      for (const { file, difference } of loaded)
        assert.ok(difference! <= 1e-4, `${file}: ${difference}`);
      assert.ok(loaded.length > results.length / 2, `${loaded.length} of ${results.length}`);
      if (process.env.KAIBO_FUZZ !== undefined) for (const r of results) console.log(r);
    });
  }

  async function casesOf({ path, title }: ModelFile, from: string): Promise<readonly Case[]> {
    const opened = await openModel(path);
    try {
      if (opened.problems.length > 0) return [];
      const { model } = await withWeights(opened, path);
      const found = unitGroups(model.graph);
      if (found.groups.length === 0 || model.facts.widened.length > 0) return [];
      const plans = randomPlans(found, PLANS, 3).map((units) => {
        const planned = planPrune(model.graph, units);
        return "plan" in planned
          ? planned.plan
          : assert.fail(`${title}: ${planned.refusal.because}`);
      });
      const masked = await MaskedOriginal.of(model.graph, plans, onnxRuntime);
      const cases: Case[] = [];
      for (const [i, plan] of plans.entries()) {
        const own = folder.file(`${from}-${i}`);
        mkdirSync(own);
        const pruned = await writePruned(opened, path, plan, own);
        const inputs = inputsFor(model.graph, i);
        const outputs = await masked.run(inputs, plan);
        cases.push({
          file: pruned.path,
          original: path,
          inputs: inputs.map(listed),
          outputs: outputs.map(listed),
        });
      }
      await masked.release();
      return cases;
    } finally {
      await opened.close();
    }
  }
});

interface Loaded {
  readonly file: string;
  readonly difference?: number;
  readonly skipped?: string;
}

interface Listed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly file: string;
  readonly original: string;
  readonly inputs: readonly Listed[];
  readonly outputs: readonly Listed[];
}

function listed({ shape, data }: Tensor): Listed {
  assert.equal(size(shape), data.length);
  return { shape, data: Array.from(data) };
}
