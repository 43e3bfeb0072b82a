import assert from "node:assert/strict";
import { realModels } from "../support/modelFiles.ts";
import { assertEqualsMasked, planTable } from "../support/planTable.ts";
import { plansFor } from "../support/randomPlans.ts";

const PLANS = plansFor(5);

describe("pruned by random plans, a real model computes what the masked original computes", function () {
  this.timeout(900_000);
  const models = realModels();
  const table = planTable();
  after(() => table.print());

  if (models.length === 0) it("skipped: needs models in KAIBO_DATA");

  for (const file of models)
    it(file.title, async () => {
      const { plans, because } = table.add(await assertEqualsMasked(file, PLANS));
      if (plans === 0) assert.match(because ?? "", /outputs? of the model|Python code/);
    });
});
