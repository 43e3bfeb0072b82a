import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import fc from "fast-check";
import type { ByteSource } from "#core/data/dataset.ts";
import {
  describeWeights,
  unitNorms,
  weightLayersOf,
  weightsOnly,
} from "#core/explain/weightLayers.ts";
import type { Edit } from "#core/formats/edits.ts";
import { noSiblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { safetensors } from "#core/formats/safetensors/safetensors.ts";
import { formatOf } from "#core/formats/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf } from "#core/ir/graph.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { describe as show } from "#core/problem.ts";
import { runs } from "../../../support/fuzzing.ts";

const folder = resolve(import.meta.dirname, "../../../fixtures/safetensors");
const bytes = new Uint8Array(readFileSync(`${folder}/model.safetensors`));
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as Record<
  string,
  { shape: number[]; values: number[] }
>;

const sourceOf = (content: Uint8Array): ByteSource => ({
  name: "m.safetensors",
  size: content.length,
  async read(offset, length) {
    assert.ok(offset >= 0 && offset + length <= content.length, "read outside of the file");
    return content.slice(offset, offset + length);
  },
});

const read = (content: Uint8Array) => safetensors.read(sourceOf(content), noSiblings);

async function tensorsOf({ graph }: Model): Promise<Map<string, Tensor>> {
  await loadWeights(graph);
  return new Map(graph.outputs.map((v) => [v.node.name, constantOf(v)!]));
}

async function whole(content: Uint8Array): Promise<Model> {
  const { model, problems } = await read(content);
  assert.deepEqual(problems, []);
  return model!;
}

async function refusal(content: Uint8Array): Promise<string> {
  const { model, problems } = await read(content);
  assert.equal(model, undefined);
  assert.equal(problems.length, 1);
  assert.equal(problems[0]!.code, "unreadable-model");
  return show(problems[0]!);
}

/** A file with a header of one's own. */
function file(header: unknown, data = 0, padding = ""): Uint8Array {
  const text = Buffer.from(
    (typeof header === "string" ? header : JSON.stringify(header)) + padding,
  );
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([head, text, Buffer.alloc(data)]);
}

const f32 = (from: number, to: number) => ({
  dtype: "F32",
  shape: [(to - from) / 4],
  data_offsets: [from, to],
});

async function edited(edits: readonly Edit[]): Promise<{ bytes: Uint8Array; model: Model }> {
  const result = await safetensors.applyEdits(sourceOf(bytes), noSiblings, edits);
  assert.deepEqual(result.problems, []);
  const pieces: Uint8Array[] = [];
  for await (const piece of result.file!.pieces()) pieces.push(piece);
  const content = new Uint8Array(Buffer.concat(pieces));
  assert.equal(content.length, result.file!.size);
  return { bytes: content, model: result.model! };
}

describe("safetensors", () => {
  it("are recognised by their header, whatever the name", () => {
    assert.equal(formatOf(bytes.subarray(0, 256), "weights.bin"), safetensors);
    assert.notEqual(formatOf(Buffer.from('{"a": 1}          '), "a.json"), safetensors);
  });

  it("hold what PyTorch wrote, in every element type", async () => {
    const model = await whole(bytes);
    const tensors = await tensorsOf(model);
    assert.deepEqual(new Set(tensors.keys()), new Set(Object.keys(expected)));
    for (const [name, { shape, values }] of Object.entries(expected)) {
      assert.deepEqual(tensors.get(name)!.shape, shape, name);
      assert.deepEqual([...tensors.get(name)!.data], values, name);
    }
    assert.ok(weightsOnly(model.graph));
    assert.deepEqual(model.facts.widened, ["float16", "bfloat16"]);
    assert.deepEqual(Object.fromEntries(model.facts.metadata), { format: "pt", note: "größer" });
  });

  it("have the layers that names and shapes tell, with norms of their units", async () => {
    const model = await whole(bytes);
    await loadWeights(model.graph);
    const layers = weightLayersOf(model.graph);
    const shown = layers.map(
      (l) => `${l.name}: ${describeWeights(l)}; ${l.units}, ${l.parameters}`,
    );
    assert.deepEqual(shown.sort(), [
      "conv1: weight 4x2x3x3  bias; 4, 76",
      "fc: weight 3x8  bias; 3, 27",
      "head: weight 8x5; 5, 40",
      "rnn.weight_ih_l0: weight 6x5; 6, 30",
    ]);
    const norm = (name: string, of: (i: number) => boolean) =>
      Math.hypot(...expected[name]!.values.filter((_, i) => of(i)));
    const norms = (name: string) => unitNorms(layers.find((l) => l.name === name)!);
    norms("conv1").forEach((n, u) => {
      assert.ok(Math.abs(n - norm("conv1.weight", (i) => Math.floor(i / 18) === u)) < 1e-6);
    });
    norms("head").forEach((n, u) => {
      assert.ok(Math.abs(n - norm("head/kernel", (i) => i % 5 === u)) < 1e-12);
    });
  });

  it("are cut and written back; everything else stays", async () => {
    const result = await edited([
      { tensor: "conv1.weight", axis: 0, remove: [1, 3] },
      { tensor: "conv1.bias", axis: 0, remove: [1, 3] },
      { tensor: "fc.weight", axis: 1, remove: [0] },
      { tensor: "2", axis: 1, remove: [0] },
    ]);
    assert.equal(Buffer.from(result.bytes).readUInt32LE(0) % 8, 0);
    const again = await whole(result.bytes);
    const tensors = await tensorsOf(again);
    for (const [name, tensor] of await tensorsOf(result.model))
      assert.deepEqual(tensors.get(name), tensor, name);
    assert.deepEqual(tensors.get("conv1.weight")!.shape, [2, 2, 3, 3]);
    const weights = expected["conv1.weight"]!.values;
    assert.deepEqual(
      [...tensors.get("conv1.weight")!.data],
      [...weights.slice(0, 18), ...weights.slice(36, 54)],
    );
    assert.deepEqual([...tensors.get("2")!.data], [-2, -4]);
    for (const name of ["rnn.weight_ih_l0", "u64", "mask", "スカラー", "1"])
      assert.deepEqual([...tensors.get(name)!.data], expected[name]!.values, name);
    assert.deepEqual(again.facts.metadata, (await whole(bytes)).facts.metadata);
  });

  it("are the same tensors, byte for byte, after no edit", async () => {
    const { bytes: same } = await edited([]);
    const dataOf = (content: Uint8Array) =>
      content.subarray(8 + Buffer.from(content).readUInt32LE(0));
    assert.deepEqual(Buffer.from(dataOf(same)), Buffer.from(dataOf(bytes)));
  });

  it("refuse edits that do not fit", async () => {
    for (const [edit, said] of [
      [{ tensor: "nope", axis: 0, remove: [0] }, /tensor nope: there is no such tensor/],
      [{ tensor: "conv1.bias", axis: 1, remove: [0] }, /there is no axis 1/],
      [{ tensor: "conv1.bias", axis: 0, remove: [4] }, /below 4/],
      [{ tensor: "conv1.bias", replace: [1] }, /only integers are replaced/],
    ] as const) {
      const { file: none, problems } = await safetensors.applyEdits(sourceOf(bytes), noSiblings, [
        edit,
      ]);
      assert.equal(none, undefined);
      assert.match(show(problems[0]!), said);
    }
  });

  it("with a header that lies are refused, with the place", async () => {
    const a = f32(0, 8);
    for (const [content, said] of [
      [new Uint8Array(3), /byte 3: /],
      [
        Buffer.concat([Buffer.alloc(7, 255), Buffer.from("\x7f{}")]),
        /byte 0: its header would have/,
      ],
      [file("[]"), /byte 8: its header is no JSON object/],
      [file("{"), /byte 8: its header is no JSON object/],
      [file(Buffer.from([0x7b, 0xff, 0x7d]).toString("latin1")), /byte 8: its header is no/],
      [
        file(`{"a":${JSON.stringify(a)},"a":${JSON.stringify(a)}}`, 8),
        /tensor a: the name is in the header twice/,
      ],
      [
        file(`{"a":${JSON.stringify(a)},"\\u0061":${JSON.stringify(a)}}`, 8),
        /tensor a: the name is .* twice/,
      ],
      [file({ a, b: f32(4, 12) }, 12), /tensor b, byte \d+: it overlaps/],
      [file({ a, b: f32(12, 16) }, 16), /tensor b, byte \d+: there is a gap/],
      [file({ a }, 12), /4 bytes after the last tensor/],
      [file({ a }, 4), /tensor a: bytes 0 to 8 are not in the 4 bytes/],
      [
        file({ a: { ...a, shape: [3] } }, 8),
        /tensor a: shape \[3\] of F32 needs 12 bytes, there are 8/,
      ],
      [file({ a: { ...a, shape: [2 ** 40, 2 ** 40] } }, 8), /tensor a: shape .* needs/],
      [file({ a: { ...a, shape: [-2] } }, 8), /tensor a: expected dtype, shape/],
      [file({ a: { ...a, data_offsets: [8, 0] } }, 8), /tensor a: bytes 8 to 0/],
      [file({ a: null }), /tensor a: expected dtype/],
      [
        file({ a: { ...a, dtype: "F8_E4M3" } }, 8),
        /tensor a: element type F8_E4M3 is not supported/,
      ],
      [file({ a: { ...a, dtype: "constructor" } }, 8), /element type constructor/],
      [file({ __metadata__: { a: 1 } }), /__metadata__: it holds more than texts/],
    ] as const)
      assert.match(await refusal(content), said);
  });

  it("may pad the header and hold nothing", async () => {
    assert.equal((await whole(file({ a: f32(0, 4) }, 4, "    "))).graph.outputs.length, 1);
    assert.equal((await whole(file({}))).graph.outputs.length, 0);
    assert.equal(
      (await whole(file('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1))).graph
        .outputs[0]!.node.name,
      "__proto__",
    );
  });

  it("survive damage anywhere", async () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const damage = fc.tuple(
      fc.array(change, { maxLength: 6 }),
      fc.option(fc.nat({ max: bytes.length }), { freq: 3 }),
      fc.boolean(),
    );
    const property = fc.asyncProperty(damage, async ([changes, length, inHeader]) => {
      const content = bytes.slice(0, length ?? bytes.length);
      const span = inHeader ? Math.min(1400, content.length) : content.length;
      for (const [at, value] of changes) if (span > 0) content[at % span] = value;
      const { model, problems } = await read(content);
      assert.equal(problems.length, model === undefined ? 1 : 0);
      for (const p of problems)
        assert.ok(p.at.file === "m.safetensors" && p.at.place !== undefined);
      if (model !== undefined) await loadWeights(model.graph);
    });
    await fc.assert(property, { seed: 20261121, endOnFailure: true, numRuns: runs(1000) });
  });
});
