import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe as show } from "#core/problem.ts";
import { findConfig } from "#server/workspace/kaiboJson.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("kaibo.json", () => {
  const folder = temporaryFolder();
  const model = folder.file("deep/models/m.onnx");
  const beside = folder.file("deep/models/kaibo.json");
  before(() => mkdirSync(folder.file("deep/models"), { recursive: true }));
  beforeEach(() => {
    writeFileSync(beside, '{ "models": [] }');
    writeFileSync(folder.file("kaibo.json"), '{ "models": [] }');
  });
  after(() => folder.remove());

  const entry = (fields: object): string =>
    JSON.stringify({ models: [{ model: "other.onnx" }, { model: "m.onnx", ...fields }] });

  /** What is said of a kaibo.json beside the model. */
  async function problemOf(text: string): Promise<string> {
    writeFileSync(beside, text);
    const { config, problem } = await findConfig(model);
    assert.equal(config, undefined);
    assert.equal(problem?.at.file, beside);
    return show(problem).slice(beside.length + 2);
  }

  it("names the data to train on, which are prepared as the others", async () => {
    const input = { scale: 0.5 };
    writeFileSync(beside, entry({ train: "../t.npy", trainLabels: "t.txt", input }));
    const { config } = await findConfig(model);
    assert.equal(config?.data, undefined);
    assert.deepEqual(config?.train, {
      data: folder.file("deep/t.npy"),
      labels: folder.file("deep/models/t.txt"),
      preprocess: input,
    });
    assert.match(await problemOf(entry({ train: 7 })), /expected a path/);
  });

  it("beside the model says which data belongs to it, relative to itself", async () => {
    const input = {
      scale: 0.5,
      mean: [1],
      std: [2],
      layout: "NHWC",
      size: 256,
      resize: "nearest",
      crop: [224, 220],
      channels: "bgr",
    };
    const suppress = [{ finding: "dead-unit", layer: "a", units: [1], because: "known" }];
    writeFileSync(
      beside,
      entry({
        data: "../x.csv#target=y",
        labels: "y.npy",
        classes: ["a"],
        lowImportance: 0.2,
        input,
        suppress,
      }),
    );
    assert.deepEqual(await findConfig(model), {
      config: {
        file: beside,
        data: {
          data: folder.file("deep/x.csv#target=y"),
          labels: folder.file("deep/models/y.npy"),
          preprocess: input,
        },
        classes: ["a"],
        lowImportance: 0.2,
        suppress: [{ finding: "dead-unit", layer: "a", units: [1] }],
      },
    });
  });

  it("above the model is found when the one beside it does not name the model", async () => {
    const models = [{ model: "deep/models/m.onnx", data: "x.npz" }];
    writeFileSync(folder.file("kaibo.json"), JSON.stringify({ models }));
    const { config } = await findConfig(model);
    assert.equal(config?.data?.data, folder.file("x.npz"));
    assert.equal(config?.file, folder.file("kaibo.json"));
  });

  it("beside the model comes before the one above", async () => {
    writeFileSync(folder.file("kaibo.json"), '{ "models": [{ "model": "deep/models/m.onnx" }] }');
    writeFileSync(beside, entry({ data: "x.npz" }));
    assert.equal((await findConfig(model)).config?.file, beside);
  });

  it("that names no such model says nothing of it", async () => {
    assert.deepEqual(await findConfig(model), {});
  });

  it("may begin with a byte order mark", async () => {
    writeFileSync(beside, `\ufeff${entry({})}`);
    assert.deepEqual((await findConfig(model)).config, { file: beside, suppress: [] });
  });

  it("that is no JSON is a problem with line and column", async () => {
    const json = "it is not valid JSON: ";
    for (const [text, said] of [
      ["", `line 1, column 1: ${json}the file is empty`],
      ['{ "models": [', `line 1, column 14: ${json}the file ends too early`],
      [
        '{\n  // mine\n  "models": [] }',
        `line 2, column 3: ${json}comments are not allowed in JSON; delete this one`,
      ],
      [
        '{ "models": [] /* mine */ }',
        `line 1, column 16: ${json}comments are not allowed in JSON; delete this one`,
      ],
      ['{ "models": [], }', `line 1, column 17: ${json}there is a comma too many before this`],
      ["{ 'models': [] }", `line 1, column 3: ${json}texts stand in double quotes in JSON`],
      ['{ "models" [] }', `line 1, column 12: ${json}not expected here: "[]"`],
      ['{ "models": [01] }', `line 1, column 14: ${json}not expected here: "01]"`],
      ["{} {}", `line 1, column 4: ${json}not expected here: "{}"`],
    ] as const)
      assert.equal(await problemOf(text), said);
  });

  it("with something else than it should be is a problem with the place", async () => {
    for (const [fields, said] of [
      [{ data: 5 }, "models[1].data: expected a path"],
      [{ labels: "" }, "models[1].labels: expected a path"],
      [{ classes: "ab" }, "models[1].classes: expected a list of names"],
      [{ lowImportance: 2 }, "models[1].lowImportance: expected a share from 0 to 1"],
      [{ input: 5 }, "models[1].input: expected an object"],
      [{ input: { scale: "1" } }, "models[1].input.scale: expected a number"],
      [{ input: { mean: 1 } }, "models[1].input.mean: expected a list of numbers"],
      [{ input: { std: [0] } }, "models[1].input.std: expected a list of numbers other than 0"],
      [{ input: { layout: "CHW" } }, 'models[1].input.layout: expected "NCHW" or "NHWC"'],
      [
        { input: { size: [1, 2, 3] } },
        "models[1].input.size: expected a length, or [height, width], in whole numbers from 1 to 16384",
      ],
      [
        { input: { size: 0.5 } },
        "models[1].input.size: expected a length, or [height, width], in whole numbers from 1 to 16384",
      ],
      [
        { input: { crop: 224 } },
        "models[1].input.crop: expected [height, width] in whole numbers from 1 to 16384",
      ],
      [{ input: { resize: "cubic" } }, 'models[1].input.resize: expected "bilinear" or "nearest"'],
      [{ input: { channels: "RGB" } }, 'models[1].input.channels: expected "rgb", "bgr" or "grey"'],
      [{ suppress: {} }, "models[1].suppress: expected a list"],
      [{ suppress: [{}] }, 'models[1].suppress[0]: expected "finding"'],
      [{ suppress: ["x"] }, 'models[1].suppress[0]: expected "finding"'],
      [
        { suppress: [{ finding: "dead-unit", layer: "a", units: [-1] }] },
        "models[1].suppress[0].units: expected a list of unit numbers",
      ],
    ] as const)
      assert.equal(await problemOf(entry(fields)), said);
    for (const text of ["[]", "null", "{}", '{ "models": {} }'])
      assert.equal(await problemOf(text), 'expected a list "models"');
    for (const text of ['{ "models": [null] }', '{ "models": [{ "modle": "m.onnx" }] }'])
      assert.equal(await problemOf(text), "models[0].model: expected the path of a model");
  });

  it("that is a folder is passed by", async () => {
    const other = folder.file("other");
    mkdirSync(`${other}/kaibo.json`, { recursive: true });
    assert.deepEqual(await findConfig(`${other}/m.onnx`), {});
  });
});
