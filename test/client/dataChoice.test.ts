import assert from "node:assert/strict";
import { kaiboJson } from "../../client/src/commands/kaiboJson.ts";
import { pictureFolders } from "../../client/src/commands/pictureFolders.ts";

const pictures = (folder: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${folder}/${i}.png`);

describe("folders of pictures", () => {
  it("are those with a folder for each class", () => {
    const found = ["zero", "one", "two"].flatMap((each) => pictures(`/w/digits/${each}`, 1));
    assert.deepEqual(pictureFolders(found), ["/w/digits"]);
  });

  it("are those with ten pictures, not the few of a text", () => {
    const found = [...pictures("/w/docs/img", 9), ...pictures("/w/photos", 10)];
    assert.deepEqual(pictureFolders(found), ["/w/photos"]);
  });

  it("are told apart where one is above the other", () => {
    const train = ["a", "b"].flatMap((each) => pictures(`/w/set/train/${each}`, 20));
    const test = pictures("/w/set/test", 20);
    assert.deepEqual(pictureFolders([...train, ...test]), ["/w/set/test", "/w/set/train"]);
  });
});

describe("a new kaibo.json", () => {
  const written = (...args: Parameters<typeof kaiboJson>) => JSON.parse(kaiboJson(...args)).models;
  const model = "/w/models/cnn.onnx";

  it("names data by their path from the model, bytes as 0 to 1", () => {
    const input = { scale: 1 / 255 };
    assert.deepEqual(written(model, { data: "/w/digits", pictures: true }), [
      { model: "cnn.onnx", data: "../digits", input },
    ]);
    assert.deepEqual(written(model, { data: "/w/models/t10k-images-idx3-ubyte.gz" }), [
      { model: "cnn.onnx", data: "t10k-images-idx3-ubyte.gz", input },
    ]);
    assert.deepEqual(written(model, { data: "/w/models/x.npz", pictures: false }), [
      { model: "cnn.onnx", data: "x.npz" },
    ]);
    assert.deepEqual(written(model), [{ model: "cnn.onnx" }]);
  });
});
