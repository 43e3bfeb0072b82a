import type { ByteSource } from "../../../data/dataset.ts";
import { type Limits, many, USUAL_LIMITS } from "../../../limits.ts";
import { type Attribute, attributeOf } from "./attributes.ts";
import { Bytes, type Cursor, UNDEFINED } from "./bytes.ts";
import { type Dataset, datasetOf } from "./datasets.ts";
import { denseMessages } from "./dense.ts";
import { membersOf } from "./groups.ts";
import { type Message, MessageType, messagesAt } from "./messages.ts";

/**
 * Reads HDF5 files by range: the tree of groups and attributes, arrays when they are asked for. Written
 * for files of others: the C library behind h5wasm runs into endless loops and leaves its memory
 * corrupted where a file is damaged, and it takes the whole file into memory.
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t11.html
 */
export interface Object5 {
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Members of a group, by name. */
  readonly members: ReadonlyMap<string, Object5>;
  /** Absent in groups. */
  readonly dataset: Dataset | undefined;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const DEEPEST = 64;

export const isHdf5 = (head: Uint8Array): boolean => SIGNATURE.every((b, i) => head[i] === b);

/** The tree of the file, without the members that `wanted` leaves out. Rejects with ProblemError. */
export async function openHdf5(
  source: ByteSource,
  wanted: (path: string) => boolean = () => true,
  limits: Limits = USUAL_LIMITS,
): Promise<Object5> {
  const file = new Bytes(source, limits);
  let objects = 0;
  const open = async (address: number, path: string, around: readonly number[]) => {
    if (around.includes(address) || around.length > DEEPEST)
      return file.damaged("its groups hold themselves, or too many others", address);
    if (++objects > limits.nodes)
      return file.over(
        "nodes",
        `it has more than ${many(limits.nodes)} groups and arrays`,
        address,
      );
    const messages = await messagesAt(file, address);
    const members = new Map<string, Object5>();
    for (const [name, at] of await membersOf(file, messages)) {
      const inner = `${path}/${name}`;
      if (wanted(inner)) members.set(name, await open(at, inner, [...around, address]));
    }
    const object: Object5 = {
      attributes: await attributesOf(file, messages),
      members,
      dataset: datasetOf(file, messages),
    };
    return object;
  };
  return open(await rootOf(file), "", []);
}

/** The member at a path like "layers/dense/vars/0". */
export function memberAt(root: Object5, path: string): Object5 | undefined {
  let object: Object5 | undefined = root;
  for (const name of path.split("/")) if (name !== "") object = object?.members.get(name);
  return object;
}

async function rootOf(file: Bytes): Promise<number> {
  const head = await file.read(0, 64);
  if (!isHdf5(head.bytes)) file.damaged("it does not begin as HDF5 does", 0);
  head.skip(8);
  const version = head.u8();
  const [offsets, lengths] =
    version < 2 ? [head.bytes[13], head.bytes[14]] : head.bytes.slice(9, 11);
  if (version > 3) file.unsupported(`superblock version ${version}`, 8);
  if (offsets !== 8 || lengths !== 8) file.unsupported("addresses that are not 8 bytes", 9);
  // The superblock says how long the file is; what is cut off shows at once.
  const fields = await file.read(
    version === 1 ? 28 : version === 0 ? 24 : 12,
    version < 2 ? 48 : 32,
  );
  const base = fields.u64();
  fields.skip(8);
  const end = fields.u64();
  if (version < 2) fields.skip(16);
  const entry = fields.u64();
  if (base !== 0) file.unsupported("a user block", 0);
  if (end > file.source.size)
    file.damaged(`it says it is ${end} bytes long, there are ${file.source.size}`, 0);
  return entry;
}

async function attributesOf(
  file: Bytes,
  messages: readonly Message[],
): Promise<ReadonlyMap<string, Attribute>> {
  const attributes = new Map<string, Attribute>();
  const add = (body: Cursor) => {
    const [name, attribute] = attributeOf(file, body);
    attributes.set(name, attribute);
  };
  for (const { type, body } of messages) {
    if (type === MessageType.attribute) add(body);
    if (type !== MessageType.attributeInfo) continue;
    body.skip(1);
    if (body.u8() & 1) body.skip(2);
    const [heap, names] = [body.u64(), body.u64()];
    if (heap < UNDEFINED) for (const dense of await denseMessages(file, heap, names)) add(dense);
  }
  return attributes;
}
