import type { File } from "h5wasm";
import type { Attribute } from "./attributes.ts";
import type { Object5 } from "./hdf5.ts";
import type { Datatype } from "./types.ts";

/** What changes on the way from one file to the other. Paths begin with "/". */
export interface Changes {
  /** Whether the object goes with it. */
  keeps(path: string): boolean;
  /** New elements and shape of an array; undefined: it stays as it is. */
  array(
    path: string,
    object: Object5,
  ): Promise<{ readonly shape: readonly number[]; readonly bytes: Uint8Array } | undefined>;
  /** New text of an attribute that is one text. */
  text(path: string, attribute: string): string | undefined;
}

/** Says what cannot be written as it was. */
export class Unwritable extends Error {}

let files = 0;

/** The tree as a new HDF5 file: written by the HDF5 library, which is loaded when it is first needed. */
export async function writeHdf5(root: Object5, changes: Changes): Promise<Uint8Array> {
  const h5wasm = await import("h5wasm");
  const { FS } = await h5wasm.ready;
  const path = `/kaibo${++files}.h5`;
  const file = new h5wasm.File(path, "w", { libver: ["earliest", "latest"] });
  try {
    await copy(file, root, "", changes);
    file.flush();
  } finally {
    file.close();
  }
  try {
    return FS.readFile(path);
  } finally {
    FS.unlink(path);
  }
}

async function copy(file: File, object: Object5, path: string, changes: Changes): Promise<void> {
  const { dataset } = object;
  if (dataset !== undefined) {
    const now = (await changes.array(path, object)) ?? {
      shape: dataset.shape,
      bytes: await dataset.read(),
    };
    const data = elementsOf(dataset.type, now.bytes, path);
    file.create_dataset({
      name: path,
      data,
      shape: [...now.shape],
      dtype: dtypeOf(dataset.type, path),
    });
  } else if (path !== "") file.create_group(path);
  const target = path === "" ? file : file.get(path);
  if (target === null || !("create_attribute" in target))
    throw new Unwritable(`${path} is not there`);
  for (const [name, attribute] of object.attributes) {
    const { value, shape, dtype } = await contentOf(
      attribute,
      changes.text(path, name),
      `${path}@${name}`,
    );
    target.create_attribute(name, value, shape, dtype);
  }
  for (const [name, member] of object.members)
    if (changes.keeps(`${path}/${name}`)) await copy(file, member, `${path}/${name}`, changes);
}

/** h5wasm's names of types are those of Python's struct module. */
function dtypeOf(type: Datatype, path: string): string {
  if (type.kind === "float" && type.littleEndian)
    return type.size === 4 ? "<f" : type.size === 8 ? "<d" : unwritable(type, path);
  if (type.kind !== "integer" || !type.littleEndian) return unwritable(type, path);
  const letter = { 1: "b", 2: "h", 4: "i", 8: "q" }[type.size] ?? unwritable(type, path);
  return `<${type.signed ? letter : letter.toUpperCase()}`;
}

const unwritable = (type: Datatype, path: string): never => {
  const name = type.kind === "other" ? type.name : `${type.kind} of ${type.size} bytes`;
  throw new Unwritable(`${path} has elements of the type ${name}, which cannot be written`);
};

function elementsOf(type: Datatype, bytes: Uint8Array, path: string) {
  const buffer = bytes.slice().buffer;
  if (type.kind === "float")
    return type.size === 4 ? new Float32Array(buffer) : new Float64Array(buffer);
  if (type.kind !== "integer") return unwritable(type, path);
  const arrays = type.signed
    ? { 1: Int8Array, 2: Int16Array, 4: Int32Array, 8: BigInt64Array }
    : { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array };
  const made = arrays[type.size as keyof typeof arrays] ?? unwritable(type, path);
  return new made(buffer);
}

async function contentOf(attribute: Attribute, text: string | undefined, path: string) {
  const { type, shape, raw } = attribute;
  const lengths = [...(shape ?? [0])];
  const texts = text === undefined ? await attribute.texts() : [text];
  if (texts === undefined)
    return { value: elementsOf(type, raw, path), shape: lengths, dtype: dtypeOf(type, path) };
  const utf8 = (type.kind === "string" || type.kind === "vlen") && type.utf8 ? "S" : "A";
  // Room for the zero that ends a text here; HDF5 pads texts that are longer than their type with nothing.
  const dtype = type.kind === "vlen" || text !== undefined ? utf8 : `A${type.size + 1}`;
  return { value: [...texts], shape: lengths, dtype };
}
