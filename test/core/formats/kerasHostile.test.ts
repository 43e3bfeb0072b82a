import assert from "node:assert/strict";
import { noSiblings } from "#core/formats/format.ts";
import { keras } from "#core/formats/keras/keras.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { ProblemError, describe as show } from "#core/problem.ts";
import { random } from "#core/random.ts";
import { runs } from "../../support/fuzzing.ts";
import * as k from "./kerasSupport.ts";
import { sourceOf } from "./support.ts";

const CASES = runs(150);

/** Opening must end in a model or problems with a place; loading weights in numbers or a ProblemError. */
async function survives(bytes: Uint8Array, what: string): Promise<boolean> {
  const { model, problems } = await keras.read(sourceOf(bytes, "damaged"), noSiblings);
  assert.ok(model !== undefined || problems.length > 0, what);
  assert.ok(model === undefined || model.partial === problems.length > 0, what);
  for (const { message, at } of problems) assert.ok(message !== "" && at.file !== "", what);
  if (model === undefined) return false;
  try {
    await loadWeights(model.graph);
  } catch (error) {
    assert.ok(error instanceof ProblemError, `${what}: ${String(error)}`);
  }
  return problems.length === 0;
}

/** Bytes cut off, a few changed where the structures are, or many anywhere. */
function damaged(bytes: Uint8Array, seed: number): Uint8Array {
  const { uniform } = random(seed);
  const below = (n: number) => Math.floor(uniform() * n);
  const copy = bytes.slice();
  switch (seed % 4) {
    case 0:
      return copy.subarray(0, below(bytes.length));
    case 1:
      for (let i = 0; i <= below(4); i++) copy[below(Math.min(2000, bytes.length))] = below(256);
      return copy;
    case 2:
      for (let i = 0; i < 60; i++) copy[below(bytes.length)] = below(256);
      return copy;
    default: {
      // A stretch over another one: lengths and addresses of other structures.
      const [from, to] = [below(bytes.length), below(bytes.length)];
      copy.copyWithin(to, from, from + 1 + below(64));
      return copy;
    }
  }
}

/** A small .h5 whose configuration is any text, as long as the one it has. */
const withConfig = (change: (config: string) => string): Uint8Array => {
  const bytes = k.fixtureBytes("cnn.h5");
  const whole = Buffer.from(bytes);
  const start = whole.indexOf('{"class_name": "Sequential"');
  const end = whole.indexOf("\0", start);
  const text = change(whole.subarray(start, end).toString());
  whole.write(text.padEnd(end - start, " ").slice(0, end - start), start);
  return new Uint8Array(whole);
};

describe("damaged and hostile Keras files", () => {
  for (const file of ["cnn.h5", "nested.h5", "cnn.keras", "recurrent.keras"])
    it(`survives ${CASES} ways of damaging ${file}`, async () => {
      const bytes = k.fixtureBytes(file);
      let whole = 0;
      for (let seed = 1; seed <= CASES; seed++)
        if (await survives(damaged(bytes, seed), `${file}, case ${seed}`)) whole++;
      // Damage must mostly be seen: numbers of weights are all that can change unnoticed.
      assert.ok(whole < CASES / 2, `${whole} of ${CASES} were read as if nothing was`);
      assert.ok(await survives(bytes, file), "the undamaged file is read after that");
    }).timeout(runs(60_000));

  it("survives configurations that are damaged but JSON", async () => {
    const { uniform } = random(3);
    for (let i = 0; i < 100; i++) {
      const bytes = withConfig((config) => {
        const tokens = [...config.matchAll(/: (\d+|true|null|"[a-z_]+"|\[[^\]]*\])/g)];
        const at = tokens[Math.floor(uniform() * tokens.length)]!;
        const value = ["null", "-1", "[]", '""', "1e9", "{}"][Math.floor(uniform() * 6)]!;
        return config.slice(0, at.index + 2) + value + config.slice(at.index + at[0].length);
      });
      await survives(bytes, `configuration ${i}`);
    }
  }).timeout(runs(60_000));

  const told = async (bytes: Uint8Array, name: string) =>
    (await keras.read(sourceOf(bytes, name), noSiblings)).problems.map(show).join("; ");

  it("says of a file that was cut off how long it should be", async () => {
    assert.match(
      await told(k.fixtureBytes("cnn.h5").subarray(0, 9000), "cnn.h5"),
      /cnn\.h5, byte 0: it says it is 44192 bytes long, there are 9000: the file is cut off/,
    );
  });

  it("says of JSON that is none where it stands", async () => {
    const bytes = withConfig((config) => config.replace("{", "["));
    assert.match(
      await told(bytes, "cnn.h5"),
      /cnn\.h5, model_config: the configuration is not valid JSON/,
    );
  });

  it("says of files that are no models what they are", async () => {
    assert.match(
      await told(new Uint8Array(100), "x.keras"),
      /x\.keras, byte 0: it begins neither as HDF5 nor as a zip archive/,
    );
    assert.match(await told(new Uint8Array(0), "x.h5"), /x\.h5, byte 0: it begins neither/);
    const zip = k.fixtureBytes("cnn.keras");
    assert.match(await told(zip.subarray(0, 3000), "x.keras"), /not a readable zip archive/);
  });

  it("says which variable is missing", async () => {
    const whole = Buffer.from(k.fixtureBytes("cnn.h5"));
    for (
      let at = whole.indexOf("conv1/kernel");
      at >= 0;
      at = whole.indexOf("conv1/kernel", at + 1)
    )
      whole.write("conv1/kernal", at);
    assert.match(
      await told(new Uint8Array(whole), "cnn.h5"),
      /layer conv1 \(Conv2D\): its variable kernel is not in the file/,
    );
  });

  it("refuses models that contain themselves in a cycle", async () => {
    const config = {
      class_name: "Functional",
      config: {
        layers: [
          {
            class_name: "InputLayer",
            name: "x",
            config: { batch_shape: [null, 2] },
            inbound_nodes: [],
          },
          { class_name: "ReLU", name: "a", config: {}, inbound_nodes: [[["b", 0, 0, {}]]] },
          { class_name: "ReLU", name: "b", config: {}, inbound_nodes: [[["a", 0, 0, {}]]] },
        ],
        input_layers: [["x", 0, 0]],
        output_layers: [["b", 0, 0]],
      },
    };
    const bytes = withConfig(() => JSON.stringify(config));
    assert.match(await told(bytes, "cnn.h5"), /layer a: the model is a cycle/);
  });
});
