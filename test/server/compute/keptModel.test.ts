import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import { ProblemError } from "#core/problem.ts";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { bundle } from "../../support/bundles.ts";
import { type PytorchFixture, sigmoidMlp, softmaxMlp } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("a model that stays compiled", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("model.onnx");
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  after(() => {
    pool.dispose();
    folder.remove();
  });
  const importance = ({ data }: PytorchFixture) => computeImportance(pool, { model, data });

  it("answers the same question the same way, and reads a file that changed or went", async () => {
    copyFileSync(sigmoidMlp.model, model);
    const first = await importance(sigmoidMlp);
    assert.deepEqual(await importance(sigmoidMlp), first);

    copyFileSync(softmaxMlp.model, model);
    const { layers } = await importance(softmaxMlp);
    assert.deepEqual(
      layers.map((l) => l.units),
      [16, 8, 4],
    );

    rmSync(model);
    await assert.rejects(importance(softmaxMlp), (error) => {
      assert.ok(error instanceof ProblemError);
      assert.match(error.problem.message, /there is no such file/);
      return true;
    });
  });
});
