import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { layersOf } from "#core/explain/layers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { size } from "#core/ir/tensor.ts";
import { ProblemError } from "#core/problem.ts";
import { Pool } from "#server/compute/pool.ts";
import { readModel } from "#server/files/openModel.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { normal } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { npz } from "../support/npz.ts";
import { temporaryFolder } from "../support/temporary.ts";

const root = resolve(process.env.KAIBO_DATA ?? "../shared/data", "models");
const MODEL = /^model\.(onnx|keras|h5|hdf5|json)$/;
const SAMPLES = 3;

const models = ["onnx", "keras", "tfjs"].flatMap((format) =>
  list(join(root, format)).flatMap((name) =>
    list(join(root, format, name))
      .filter((file) => MODEL.test(file))
      .map((file) => join(format, name, file)),
  ),
);

describe("importance of real models", function () {
  this.timeout(240_000);
  const folder = temporaryFolder();
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  after(() => {
    pool.dispose();
    folder.remove();
  });

  if (models.length === 0) it("skipped: needs models in KAIBO_DATA");

  for (const model of models)
    it(`covers every layer of ${model}, or says why not`, async () => {
      const path = join(root, model);
      const read = await readModel(path).catch((error: unknown) => {
        assert.ok(error instanceof ProblemError);
        return error.problem;
      });
      if ("code" in read) return assert.match(read.message, /\w+ /);
      const { graph } = read;
      const one = bindBatch(graph, 1);
      if (one.kind === "refused") return assert.match(one.because, /\w+ /);
      const names = one.graph.inputs.map((v) => v.node.name);
      const arrays = one.graph.inputs.map((v, i) => {
        const shape = [SAMPLES, ...(v.shape.slice(1) as number[])];
        return { shape, values: [...normal([size(shape)], i + 1).data] };
      });
      const data = folder.file("data.npz");
      writeFileSync(
        data,
        npz(Object.fromEntries(arrays.map((a, i) => [arrays.length === 1 ? "x" : names[i], a]))),
      );
      const found = await computeImportance(pool, {
        model: path,
        data: { data, preprocess: {} },
        probes: 8,
      });
      const explained = found.layers.filter((l) => l.index !== "activation");
      const computed = explained.map((l) => l.name);
      const refused = found.refused ?? [];
      assert.deepEqual(
        [...computed, ...refused.map((r) => r.layer)].sort(),
        layersOf(graph)
          .map((l) => l.name)
          .sort(),
      );
      for (const { because } of refused) assert.match(because, /\w/);
      for (const { name, units, importance, sigma, gate, scaled, deviation } of explained)
        for (const values of [importance, sigma, gate, scaled, deviation]) {
          assert.equal(values.length, units, name);
          assert.ok(
            values.every((v) => Number.isFinite(v) && v >= 0),
            name,
          );
        }
      // What is refused is measured all the same.
      const others = found.layers.filter((l) => l.index === "activation");
      assert.deepEqual(others.map((l) => l.name).sort(), refused.map((r) => r.layer).sort());
      for (const { name, active, deviation, units } of others) {
        assert.equal(deviation.length, units, name);
        assert.ok(
          active.every((share) => share >= 0 && share <= 1),
          name,
        );
      }
      // Something matters in every layer that is not an output of its own.
      for (const { name, importance, output } of found.layers)
        assert.ok(output || importance.some((v) => v > 0), name);
      if (process.env.KAIBO_SHOW !== undefined)
        console.log(model, computed.length, refused, found.note ?? "");
    });
});

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}
