/** Readers of models and their limits: over one, a file is refused with its code; without, it opens. */
import assert from "node:assert/strict";
import { zipSync } from "fflate";
import { Reader } from "#core/data/reader.ts";
import { openZip } from "#core/data/zip.ts";
import { noSiblings, type Opened } from "#core/formats/format.ts";
import { keras } from "#core/formats/keras/keras.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { delimited } from "#core/formats/onnx/pieces.ts";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { type Limits, limitsOf, NO_LIMITS, USUAL_LIMITS, USUAL_SETTINGS } from "#core/limits.ts";
import { describe as show } from "#core/problem.ts";
import { fixtureBytes } from "../formats/kerasSupport.ts";
import * as f from "../formats/support.ts";
import * as t from "../formats/tfjsSupport.ts";

describe("limits of models", () => {
  type Read = (limits: Limits) => Promise<Opened>;

  /** Refused by that limit alone, with what to do; read without it, and with the usual ones. */
  async function limited(read: Read, own: Partial<Limits>, message: RegExp): Promise<void> {
    const { model, problems } = await read({ ...NO_LIMITS, ...own });
    assert.deepEqual([problems[0]?.code, model], ["over-limit", undefined]);
    assert.match(show(problems[0]!), message);
    assert.match(problems[0]!.message, /if you trust the file, raise kaibo\.limits\.\w+, or open/);
    for (const limits of [NO_LIMITS, USUAL_LIMITS])
      assert.deepEqual((await read(limits)).problems.map(show), []);
  }

  const ofOnnx =
    (bytes: Uint8Array): Read =>
    (limits) =>
      onnx.read(f.sourceOf(bytes), noSiblings, limits);
  const chain = (type: string, count: number, domain = "") =>
    f.range(count).map((i) => f.nodeOf(type, [`v${i}`], [`v${i + 1}`], [], { domain }));
  const ends = (count: number) => ({
    inputs: [f.info("v0", [2])],
    outputs: [f.info(`v${count}`, [2])],
  });

  it("nodes of ONNX", () =>
    limited(
      ofOnnx(f.fileOf({ nodes: chain("Relu", 100), ...ends(100) })),
      { nodes: 50 },
      /tiny\.onnx, byte \d+: the graph has 100 nodes, and the limit is 50/,
    ));

  it("messages of ONNX, four for each node", () =>
    limited(
      ofOnnx(f.fileOf({ nodes: chain("Relu", 100), ...ends(100) })),
      { nodes: 20 },
      /there are more than 80 protobuf messages, and the limit is 80/,
    ));

  it("nodes of ONNX that its functions become", () =>
    limited(
      ofOnnx(
        f.fileOf({
          nodes: chain("Twice", 30, "local"),
          ...ends(30),
          inModel: [
            ...f.functionOf({
              name: "Twice",
              inputs: ["a"],
              outputs: ["b"],
              nodes: [f.nodeOf("Relu", ["a"], ["m"]), f.nodeOf("Relu", ["m"], ["b"])],
            }),
            ...f.domainOf("local"),
          ],
        }),
      ),
      { nodes: 50 },
      /node Twice_\d+.*: with its functions the graph has more than 50 nodes/,
    ));

  it("texts of ONNX", () =>
    limited(
      ofOnnx(
        f.fileOf({
          nodes: chain("Relu", 1),
          ...ends(1),
          // Shorter files are read at once.
          inModel: delimited(6, "x".repeat(20_000)),
        }),
      ),
      { textBytes: 1000 },
      /ModelProto\.docString has 20,000 bytes, and the limit is 1,000/,
    ));

  const graphModel = t.filesOf(`${t.fixtures}/cnn`);
  const ofTfjs: Read = (limits) => tfjs.read(t.sourceIn(graphModel), t.besides(graphModel), limits);

  it("nodes of a TensorFlow.js graph", () =>
    limited(
      ofTfjs,
      { nodes: 2 },
      /model\.json, modelTopology: the graph has \d+ nodes.*limit is 2/,
    ));

  it("bytes of a model.json", () =>
    limited(ofTfjs, { jsonBytes: 100 }, /the file has [\d,]+ bytes, and the limit is 100/));

  const ofKeras =
    (bytes: Uint8Array, name: string): Read =>
    (limits) =>
      keras.read(f.sourceOf(bytes, name), noSiblings, limits);

  it("layers of Keras", () =>
    limited(
      ofKeras(fixtureBytes("cnn.keras"), "cnn.keras"),
      { layers: 2 },
      /the model calls more than 2 layers, and the limit is 2/,
    ));

  it("objects and structures of HDF5", async () => {
    const read = ofKeras(fixtureBytes("cnn.h5"), "cnn.h5");
    await limited(read, { nodes: 3 }, /more than 3 groups and arrays/);
    await limited(read, { textBytes: 50 }, /a part of it has \d+ bytes, and the limit is 50/);
    await limited(read, { tensorBytes: 50 }, /an array of shape \[.*\] has [\d,]+ bytes/);
  });

  it("weights that a zip has packed", async () => {
    const entries: Record<string, Uint8Array> = {};
    for (const [name, content] of await openZip(f.sourceOf(fixtureBytes("cnn.keras"))))
      entries[name] = await new Reader(content).takeUpTo(content.limit);
    const packed = zipSync(entries, { level: 6 });
    const read = ofKeras(packed, "packed.keras");
    await limited(
      read,
      { unpackedBytes: 1000 },
      /its weights are packed .* unpack to [\d,]+ bytes/,
    );
    await limited(read, { textBytes: 100 }, /config\.json has [\d,]+ bytes/);
  });

  it("that settings scale", () => {
    assert.deepEqual(limitsOf(USUAL_SETTINGS), USUAL_LIMITS);
    const twice = limitsOf({ ...USUAL_SETTINGS, memory: 4096 });
    assert.equal(twice.unpackedBytes, 2 ** 32);
    assert.equal(twice.jsonBytes, 2 * USUAL_LIMITS.jsonBytes);
    assert.equal(twice.nodes, USUAL_LIMITS.nodes);
  });
});
