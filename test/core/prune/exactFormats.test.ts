import assert from "node:assert/strict";
import { join } from "node:path";
import type { Edit } from "#core/formats/edits.ts";
import type { Edited } from "#core/formats/format.ts";
import { noSiblings } from "#core/formats/format.ts";
import { keras } from "#core/formats/keras/keras.ts";
import type { Model } from "#core/formats/model.ts";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { constantOf, topological } from "#core/ir/graph.ts";
import { float32, size, type Tensor } from "#core/ir/tensor.ts";
import { redundancy } from "#core/prune/exact/redundant.ts";
import { planPrune } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { assertNear } from "../../support/numbers.ts";
import * as k from "../formats/kerasSupport.ts";
import { bytesOf, lines, sourceOf } from "../formats/support.ts";
import * as t from "../formats/tfjsSupport.ts";

/** One file in memory, whatever the format. */
interface File {
  readonly model: Model;
  edit(edits: readonly Edit[]): Promise<File>;
}

async function kerasFile(name: string, bytes = k.fixtureBytes(name)): Promise<File> {
  return {
    model: await k.opened(bytes, name),
    async edit(edits) {
      const edited = await keras.applyEdits(sourceOf(bytes, name), noSiblings, edits);
      return kerasFile(name, await contentOf(edited));
    },
  };
}

async function contentOf({ file, problems }: Edited): Promise<Uint8Array> {
  assert.deepEqual(lines(problems), []);
  return bytesOf(file!.pieces());
}

async function tfjsFile(files: t.Files): Promise<File> {
  return {
    model: await t.openWell(files),
    async edit(edits) {
      const edited = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), edits);
      return tfjsFile(await t.written(files, edited));
    },
  };
}

/** Unit `to` of a tensor becomes what unit `from` is; units are the last axis, as both formats store them. */
function copied({ graph }: Model, name: string, from: number, to: number): Edit {
  const node = topological(graph.outputs).find((n) => n.name === name);
  assert.ok(node !== undefined, name);
  const { shape, data } = constantOf(node.outputs[0])!;
  const units = shape.at(-1)!;
  const write = Float32Array.from(data, (v, i) => (i % units === to ? data[i - to + from]! : v));
  return { tensor: name, write };
}

const outputs = ({ graph }: Model): readonly Tensor[] => {
  const bound = t.bound(graph, 2);
  const shape = bound.inputs[0]!.shape as readonly number[];
  const next = random(3);
  const x = float32(
    shape,
    Float32Array.from({ length: size(shape) }, () => next.normal()),
  );
  return evaluate(bound.outputs, new Map([[bound.inputs[0]!, x]]));
};

const PLANTED: readonly {
  readonly name: string;
  readonly file: () => Promise<File>;
  /** The tensors of two layers in which units 2 and 3 become units 0 and 1. */
  readonly tensors: readonly (readonly string[])[];
}[] = [
  ...["cnn.keras", "cnn.h5"].map((name) => ({
    name,
    file: () => kerasFile(name),
    tensors: [
      ["conv1/kernel", "conv1/bias"],
      ["hidden/kernel", "hidden/bias"],
    ],
  })),
  {
    name: "TensorFlow.js graph model",
    file: () => tfjsFile(t.filesOf(join(t.fixtures, "cnn"))),
    tensors: [
      ["Conv2D/filter", "BiasAdd/bias"],
      ["MatMul/b", "BiasAdd_1/bias"],
    ],
  },
];

describe("exactly redundant units of other formats", () => {
  for (const { name, file, tensors } of PLANTED)
    it(`${name}: duplicates go, and the outputs stay`, async () => {
      const original = await file();
      const edits = tensors.flatMap((own) => own.map((n) => copied(original.model, n, 0, 2)));
      const planted = await original.edit(edits);
      const { graph } = planted.model;
      const { layers } = redundancy(graph, { writes: true });
      const duplicates = layers.flatMap((l) =>
        l.redundant.map((r) => [r.unit, r.kind, r.of, r.obstacle]),
      );
      assert.deepEqual(duplicates, [
        [2, "duplicate", 0, undefined],
        [2, "duplicate", 0, undefined],
      ]);
      const units = layers.map((l) => ({ layer: l.name, units: [2] }));
      const planned = planPrune(graph, units, { writes: true });
      assert.ok("plan" in planned);
      assert.deepEqual(planned.plan.masks, []);
      const pruned = await planted.edit(planned.plan.edits);
      assert.ok(pruned.model.parameters < planted.model.parameters);
      const expected = outputs(planted.model);
      outputs(pruned.model).forEach((y, i) => {
        assertNear(y.data, expected[i]!.data, 1e-6, `output ${i}`);
      });
      assert.deepEqual(redundancy(pruned.model.graph, { writes: true }).layers, []);
    });
});
