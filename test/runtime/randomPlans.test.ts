import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { encode } from "#core/compile/encode.ts";
import { coupledGraphs } from "../support/coupled.ts";
import { fixtureModels } from "../support/modelFiles.ts";
import { qdqModel, structuredModels } from "../support/ownModels.ts";
import { checkPlans } from "../support/planCheck.ts";
import { assertEqualsMasked, planTable } from "../support/planTable.ts";
import { plansFor } from "../support/randomPlans.ts";
import { temporaryFolder } from "../support/temporary.ts";

const PLANS = plansFor(12);

describe("pruned by random plans, a file computes what the masked original computes", function () {
  this.timeout(900_000);
  const folder = temporaryFolder();
  const table = planTable();
  after(() => {
    folder.remove();
    table.print();
  });

  /** Why nothing of a fixture can go, where that is so by its nature. */
  const OWN = /outputs? of the model|no layers|not supported|at least one unit must stay/;
  /** Kaibo's own limits. */
  const LIMITS: ReadonlyMap<string, RegExp> = new Map([
    ["keras/recurrent.h5", /parameters are computed, not stored/],
    ["keras/recurrent.keras", /parameters are computed, not stored/],
    ["keras/attentions.keras", /shape is computed, not stored/],
  ]);

  for (const file of fixtureModels())
    it(file.title, async () => {
      const checked = table.add(await assertEqualsMasked(file, PLANS));
      if (checked.plans === 0)
        assert.match(checked.because ?? "", LIMITS.get(file.title) ?? OWN, "nothing can go");
    });

  for (const [name, make] of Object.entries(coupledGraphs))
    it(`${name}, encoded`, async () => {
      const path = folder.file(`${name}.onnx`);
      writeFileSync(path, encode(make()));
      const { plans } = table.add(await assertEqualsMasked({ title: `(${name})`, path }, PLANS));
      assert.equal(plans, PLANS);
    });

  it(structuredModels[0]!.title, async () => {
    const path = folder.file("functions.onnx");
    writeFileSync(path, structuredModels[0]!.bytes);
    const { plans } = table.add(await assertEqualsMasked({ title: "(functions)", path }, PLANS));
    assert.equal(plans, PLANS);
  });

  it("quantised weights and values, but for a step of the quantisation", async () => {
    const path = folder.file("quantised.onnx");
    writeFileSync(path, qdqModel.bytes);
    const checked = table.add(await checkPlans({ title: "(quantised)", path }, PLANS));
    assert.equal(checked.plans, PLANS);
    assert.ok(checked.reference! <= 1e-9);
    assert.ok(checked.runtime! <= STEP && checked.file! <= STEP);
  });
});

/** One of the at least 4 steps that the model's largest results are high. */
const STEP = 0.25;
