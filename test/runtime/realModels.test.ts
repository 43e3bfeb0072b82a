import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Model } from "#core/formats/model.ts";
import { formatOf } from "#core/formats/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Graph } from "#core/ir/graph.ts";
import { bindLengths } from "#core/ir/lengths.ts";
import type { DType, Tensor } from "#core/ir/tensor.ts";
import { describe as show } from "#core/problem.ts";
import { openModel } from "#server/files/openModel.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { readTensor } from "../support/conformance.ts";
import { assertRelative } from "../support/numbers.ts";

const root = resolve(process.env.KAIBO_DATA ?? "../shared/data", "models");
const FORMATS = ["onnx", "keras", "tfjs"] as const;
const MODEL = /^model\.(onnx|keras|h5|hdf5|json)$/;
/** Outputs below this share of the largest are compared as if they were that large. */
const FLOOR = 1e-3;

interface Real {
  readonly title: string;
  readonly folder: string;
  readonly file: string;
}

/** Model files with inputs and outputs that their own frameworks computed. */
const models: readonly Real[] = FORMATS.flatMap((format) =>
  list(join(root, format)).flatMap((name) => {
    const folder = join(root, format, name);
    return list(folder)
      .filter((file) => MODEL.test(file))
      .map((file) => ({ title: `${format}/${name}/${file}`, folder, file }));
  }),
);

describe("real models give their stored outputs", function () {
  this.timeout(60_000);

  if (models.length === 0) it("skipped: needs models in KAIBO_DATA");

  for (const { title, folder, file } of models) {
    const sets = list(folder).filter((f) => f.startsWith("test_data_set_"));
    if (sets.length === 0) continue;
    it(title, async function () {
      const path = join(folder, file);
      if (formatOf(new Uint8Array(readFileSync(path)), file) === undefined) this.skip();
      const { graph } = await whole(path);
      for (const set of sets) {
        const inputs = (await stored(join(folder, set), "input")).map((tensor, i) =>
          fed(tensor, graph.inputs[i]!.dtype),
        );
        const outputs = await stored(join(folder, set), "output");
        const program = await onnxRuntime.compile(boundTo(graph, inputs));
        const found = await program.run(inputs);
        await program.release();
        assert.equal(found.length, outputs.length);
        outputs.forEach(({ data, shape }, i) => {
          const own = found[i]!;
          assert.deepEqual([...own.shape], [...shape]);
          const what = `${set}, output ${i}`;
          assertRelative(own.data, data, { tolerance: 1e-3, floor: FLOOR, what });
        });
      }
    });
  }
});

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

async function whole(path: string): Promise<Model> {
  const opened = await openModel(path);
  try {
    assert.deepEqual(opened.problems.map(show), []);
    await loadWeights(opened.model!.graph);
    return opened.model!;
  } finally {
    await opened.close();
  }
}

/** The graph for the lengths of these inputs. */
function boundTo(graph: Graph, inputs: readonly Tensor[]): Graph {
  const lengths = graph.inputs.flatMap(({ shape }, i) =>
    shape.flatMap((d, axis) =>
      typeof d === "string" ? [[d, inputs[i]!.shape[axis]!] as const] : [],
    ),
  );
  return bindLengths(graph, new Map(lengths)).graph;
}

/** Frameworks take whole numbers that are stored as floats. */
const fed = (tensor: Tensor, dtype: DType): Tensor =>
  dtype === "int32" ? { ...tensor, dtype, data: Int32Array.from(tensor.data) } : tensor;

/** input_0.pb, input_1.pb, …: each a TensorProto. */
async function stored(set: string, kind: "input" | "output"): Promise<readonly Tensor[]> {
  const tensors: Tensor[] = [];
  for (let k = 0; existsSync(join(set, `${kind}_${k}.pb`)); k++) {
    const bytes = new Uint8Array(readFileSync(join(set, `${kind}_${k}.pb`)));
    const tensor = await readTensor(bytes);
    assert.ok(tensor !== undefined, `${set}/${kind}_${k}.pb`);
    tensors.push(tensor);
  }
  return tensors;
}
