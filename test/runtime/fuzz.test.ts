import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { layersOf } from "#core/explain/layers.ts";
import { ProblemError } from "#core/problem.ts";
import { planPrune } from "#core/prune/plan.ts";
import { type Random, random } from "#core/random.ts";
import { openModel } from "#server/files/openModel.ts";
import { viewModel } from "#server/operations/view.ts";
import { runs } from "../support/fuzzing.ts";
import { batchnormLenet, mnistCnn, sigmoidMlp, softmaxMlp } from "../support/pytorch.ts";
import { temporaryFolder } from "../support/temporary.ts";

const MUTATIONS = runs(80);
/** Weights are most of a file and say nothing wrong: changes go where the structure is. */
const STRUCTURE = 4096;

type Mutate = (bytes: Uint8Array, random: Random) => Uint8Array;

const at = ({ uniform }: Random, length: number) => Math.floor(uniform() * length);

/** A place near the start or the end, where node and value descriptions are. */
function place(bytes: Uint8Array, random: Random): number {
  const near = at(random, Math.min(STRUCTURE, bytes.length));
  return random.uniform() < 0.5 ? near : bytes.length - 1 - near;
}

const mutations: Readonly<Record<string, Mutate>> = {
  "changed bytes": (bytes, random) => {
    const changed = bytes.slice();
    for (let n = 1 + at(random, 4); n > 0; n--) changed[place(bytes, random)] = at(random, 256);
    return changed;
  },
  "a flipped bit": (bytes, random) => {
    const changed = bytes.slice();
    changed[place(bytes, random)]! ^= 1 << at(random, 8);
    return changed;
  },
  "a missing end": (bytes, random) => bytes.slice(0, place(bytes, random)),
  "a part left out": (bytes, random) => {
    const from = place(bytes, random);
    const cut = bytes.subarray(Math.min(bytes.length, from + 1 + at(random, 40)));
    return Uint8Array.from([...bytes.subarray(0, from), ...cut]);
  },
  "a part twice": (bytes, random) => {
    const from = place(bytes, random);
    const part = bytes.subarray(from, from + 1 + at(random, 40));
    return Uint8Array.from([...bytes.subarray(0, from), ...part, ...bytes.subarray(from)]);
  },
};

describe("a model file with", function () {
  this.timeout(runs(60_000));
  const folder = temporaryFolder();
  const originals = [softmaxMlp, sigmoidMlp, batchnormLenet, mnistCnn].map(
    ({ model }) => new Uint8Array(readFileSync(model)),
  );
  after(() => folder.remove());

  Object.entries(mutations).forEach(([what, mutate], k) => {
    it(`${what} is shown and pruned, or its problem is said: never a crash`, async () => {
      const source = random(100 + k);
      let readable = 0;
      for (let n = 0; n < MUTATIONS; n++) {
        const bytes = mutate(originals[n % originals.length]!, source);
        const path = folder.file("changed.onnx");
        writeFileSync(path, bytes);
        try {
          if (await survives(path)) readable++;
        } catch (error) {
          const kept = Buffer.from(bytes).toString("base64");
          throw new Error(`mutation ${n}: ${(error as Error).stack}\n${kept.slice(0, 8000)}`);
        }
      }
      // Some say nothing wrong, some do: the test reaches both ways.
      assert.ok(readable < MUTATIONS, `${readable} of ${MUTATIONS} are readable`);
    });
  });
});

/** Whether a model came out of it. */
async function survives(path: string): Promise<boolean> {
  const opened = await openModel(path);
  try {
    const { model, problems } = opened;
    if (model === undefined) {
      assert.ok(problems.length > 0);
      return false;
    }
    viewModel(model, problems);
    for (const { name, units } of layersOf(model.graph)) {
      const planned = planPrune(model.graph, [{ layer: name, units: [units - 1] }]);
      if ("refusal" in planned) {
        assert.ok(planned.refusal.because.length > 0 && planned.refusal.at.length > 0);
        continue;
      }
      const edited = await opened.edit(planned.plan.edits);
      if (edited.file === undefined) assert.ok(edited.problems.length > 0);
      else await consume(edited.file.pieces(), edited.file.size);
    }
    return true;
  } finally {
    await opened.close();
  }
}

async function consume(pieces: AsyncIterable<Uint8Array>, size: number): Promise<void> {
  let total = 0;
  try {
    for await (const piece of pieces) total += piece.length;
  } catch (error) {
    if (error instanceof ProblemError) return;
    throw error;
  }
  assert.equal(total, size);
}
