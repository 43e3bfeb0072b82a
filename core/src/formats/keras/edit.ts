import { strToU8 } from "fflate";
import type { ByteSource } from "../../data/dataset.ts";
import { readDirectory } from "../../data/zipDirectory.ts";
import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { describe, fail } from "../../problem.ts";
import { type Edit, ofTensor, type TensorEdit } from "../edits.ts";
import type { Edited, EditedFile, Siblings } from "../format.ts";
import { edited } from "../onnx/cut.ts";
import { settled } from "../onnx/read.ts";
import { type Stored, tensorOf } from "../onnx/stored.ts";
import { checkSettings } from "../settings.ts";
import { type Built, buildKeras } from "./build.ts";
import { editConfig, refreshShapes } from "./editConfig.ts";
import { memberAt } from "./hdf5/hdf5.ts";
import { type Changes, Unwritable, writeHdf5 } from "./hdf5/write.ts";
import { build, CONFIG, CONFIG_ATTRIBUTE, type KerasFile, openKeras, WEIGHTS } from "./read.ts";
import { elementIn } from "./tensors.ts";
import type { WeightSource } from "./weightSource.ts";
import { rewriteZip } from "./writeZip.ts";

const NOT_STORED = "the file does not store it, so new numbers have no place";

/** The HDF5 library writes in memory, and all of it is there twice for a moment. */
const LARGEST = 2 ** 30;

/**
 * The file with cut and written variables and the configuration that fits them. The edited model is built first, so
 * edits that do not fit together are problems before anything is written. The state of the optimizer,
 * which is of the old shapes, is left out where a variable is cut; everything else is written again as
 * it was.
 */
export async function applyEdits(
  source: ByteSource,
  _siblings: Siblings,
  all: readonly Edit[],
  limits: Limits = USUAL_LIMITS,
): Promise<Edited> {
  const edits = all.filter(ofTensor);
  return settled(source, async () => {
    const file = await openKeras(source, limits, true);
    if (file.weightsFile.size > LARGEST)
      fail(
        "cannot-write",
        `its weights have ${file.weightsFile.size} bytes; files of up to ${LARGEST} bytes can be edited`,
        source.name,
      );
    const before = build(file);
    const { arrays, shapes } = changesOf(file, before, edits, source.name);
    const config = editConfig(file.config, shapes);
    const after = buildKeras(config, editedWeights(file.weights, arrays), file.options);
    const known = new Set(before.problems.map(describe));
    const added = after.problems.filter((p) => !known.has(describe(p)));
    if (added.length > 0) return { file: undefined, model: undefined, problems: added };
    checkSettings(after.model, all, source.name);
    const json = JSON.stringify(refreshShapes(config, after.calls));
    const isCut = edits.some((e) => "remove" in e && arrays.size > 0);
    const result = await written(source, file, json, arrays, isCut);
    return { file: result, model: after.model, problems: [] };
  });
}

/** The edited arrays by their path in the HDF5 file, and all new shapes by the names of constants. */
function changesOf(file: KerasFile, { stored }: Built, edits: readonly TensorEdit[], name: string) {
  const arrays = new Map<string, Stored>();
  const shapes = new Map<string, readonly number[]>();
  for (const tensor of new Set(edits.map((e) => e.tensor))) {
    const own = edits.filter((e) => e.tensor === tensor);
    const path = stored.get(tensor);
    if (!stored.has(tensor))
      fail("cannot-write", "there is no such variable in the model", name, `variable ${tensor}`);
    if (path === undefined) {
      // Lengths of the configuration; ones and zeros that stand for variables follow by themselves.
      for (const edit of own) {
        if ("replace" in edit) shapes.set(tensor, edit.replace);
        if ("write" in edit) fail("cannot-write", NOT_STORED, name, `variable ${tensor}`);
      }
      continue;
    }
    const after = edited(storedAt(file, path, tensor, name), own, name);
    arrays.set(path, after);
    shapes.set(tensor, after.shape);
  }
  return { arrays, shapes };
}

function storedAt(file: KerasFile, path: string, tensor: string, name: string): Stored {
  const object = memberAt(file.root, path);
  const element = object && elementIn(object);
  const dataset = object?.dataset;
  if (dataset === undefined || element === undefined)
    return fail("cannot-write", "there is no such array", name, `variable ${tensor}`);
  return { name: tensor, element, shape: dataset.shape, bytes: () => dataset.read() };
}

const editedWeights = (
  weights: WeightSource,
  arrays: ReadonlyMap<string, Stored>,
): WeightSource => ({
  variables: (place, names) =>
    weights.variables(place, names).map((found) => {
      const array = found && arrays.get(found.name);
      return array === undefined ? found : { name: found!.name, tensor: tensorOf(array) };
    }),
});

async function written(
  source: ByteSource,
  file: KerasFile,
  json: string,
  arrays: ReadonlyMap<string, Stored>,
  isCut: boolean,
): Promise<EditedFile> {
  const isOptimizer = (path: string) => /^\/optimizer(_weights)?(\/|$)/.test(path);
  const changes: Changes = {
    keeps: (path) => !isCut || !isOptimizer(path),
    async array(path) {
      const array = arrays.get(path.slice(1));
      return array && { shape: array.shape, bytes: await array.bytes() };
    },
    text: (path, attribute) =>
      file.container === "h5" && path === "" && attribute === CONFIG_ATTRIBUTE ? json : undefined,
  };
  const bytes = await writeHdf5(file.root, changes).catch((error: unknown) => {
    if (!(error instanceof Unwritable)) throw error;
    return fail("cannot-write", error.message, source.name);
  });
  if (file.container === "h5") return inMemory(bytes);
  return rewriteZip(
    source,
    await readDirectory(source),
    new Map([
      [CONFIG, strToU8(json)],
      [WEIGHTS, bytes],
    ]),
  );
}

const PIECE = 4 * 1024 * 1024;

const inMemory = (bytes: Uint8Array): EditedFile => ({
  size: bytes.length,
  async *pieces() {
    for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
  },
});
