import { type Bytes, type Cursor, UNDEFINED } from "./bytes.ts";

/** Records of a B-tree of version 2 are small; these have the place of a message in a fractal heap. */
const LINK_NAMES = 5;
const ATTRIBUTE_NAMES = 8;
const DEEPEST = 16;
const LARGEST_NODE = 1024 * 1024;

/**
 * The messages (links or attributes) of an object that has many of them: they stand in a fractal heap,
 * and a B-tree of version 2 lists them (HDF5 file format specification, III.A.2 and III.G).
 */
export async function denseMessages(
  file: Bytes,
  heapAt: number,
  treeAt: number,
): Promise<readonly Cursor[]> {
  const heap = await openHeap(file, heapAt);
  const found: Cursor[] = [];
  for (const record of await recordsOf(file, treeAt)) found.push(await heap.object(record));
  return found;
}

/** The heap's names of all objects in the tree. */
async function recordsOf(file: Bytes, address: number): Promise<readonly Uint8Array[]> {
  const head = await file.read(address, 38);
  head.expect("BTHD");
  head.skip(1);
  const type = head.u8();
  if (type !== LINK_NAMES && type !== ATTRIBUTE_NAMES)
    file.unsupported(`an index of type ${type}`, address);
  const [nodeSize, recordSize, depth] = [head.u32(), head.u16(), head.u16()];
  head.skip(2);
  const [root, used] = [head.u64(), head.u16()];
  if (recordSize < 8 || depth > DEEPEST || nodeSize > LARGEST_NODE)
    file.damaged("an index is impossible", address);

  // How many bytes the counts in pointers take, by the level of the node that is pointed to.
  const most = [Math.floor((nodeSize - 10) / recordSize)];
  const all = [most[0]];
  const pointer = (level: number) =>
    8 + widthOf(most[0]) + (level > 1 ? widthOf(all[level - 1]) : 0);
  for (let level = 1; level <= depth; level++) {
    const size = pointer(level);
    most[level] = Math.floor((nodeSize - 10 - size) / (recordSize + size));
    all[level] = (most[level] + 1) * all[level - 1] + most[level];
  }
  const skipped = type === LINK_NAMES ? 4 : 0;
  const size = type === LINK_NAMES ? recordSize - 4 : 8;
  const records: Uint8Array[] = [];
  const visit = async (at: number, count: number, level: number): Promise<void> => {
    const node = await file.read(at, nodeSize);
    node.expect(level === 0 ? "BTLF" : "BTIN");
    node.skip(2);
    for (let i = 0; i < count; i++) {
      const record = node.part(recordSize);
      record.skip(skipped);
      records.push(record.take(size));
    }
    for (let i = 0; level > 0 && i <= count; i++) {
      const [child, inside] = [node.u64(), node.number(widthOf(most[0]))];
      if (level > 1) node.skip(widthOf(all[level - 1]));
      await visit(child, inside, level - 1);
    }
  };
  if (root < UNDEFINED) await visit(root, used, depth);
  return records;
}

/** Bytes that hold numbers up to a limit. */
const widthOf = (limit: number): number => Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;

interface Heap {
  /** The object of an identifier: its kind, offset and length. */
  object(identifier: Uint8Array): Promise<Cursor>;
}

async function openHeap(file: Bytes, address: number): Promise<Heap> {
  const head = await file.read(address, 142);
  head.expect("FRHP");
  head.skip(3);
  const filters = head.u16();
  head.skip(1);
  const largestObject = head.u32();
  head.skip(12 * 8);
  const width = head.u16();
  const [start, largest] = [head.u64(), head.u64()];
  const bits = head.u16();
  head.skip(2);
  const [root, rows] = [head.u64(), head.u16()];
  if (filters !== 0) file.unsupported("a packed heap", address);
  if (width === 0 || start === 0 || bits > 64) file.damaged("a heap is impossible", address);
  const offsetSize = Math.ceil(bits / 8);
  const lengthSize = Math.min(Math.ceil(Math.log2(largest) / 8), widthOf(largestObject));
  const directRows = Math.log2(largest) - Math.log2(start) + 2;
  const sizeIn = (row: number) => start * 2 ** Math.max(0, row - 1);
  const startOf = (row: number) => (row === 0 ? 0 : width * start * 2 ** (row - 1));

  /** Where a place of the heap is in the file: blocks in rows of ever larger ones. */
  const placeOf = async (
    block: number,
    around: number,
    offset: number,
    depth = 0,
  ): Promise<number> => {
    const inside = offset - around;
    if (depth > DEEPEST) file.damaged("a heap is too deep", block);
    let row = 0;
    while (startOf(row + 1) <= inside) row++;
    const column = Math.floor((inside - startOf(row)) / sizeIn(row));
    const entry = await file.read(block + 13 + offsetSize + (row * width + column) * 8, 8);
    const child = entry.u64();
    const begin = around + startOf(row) + column * sizeIn(row);
    return row < directRows ? child + offset - begin : placeOf(child, begin, offset, depth + 1);
  };
  return {
    async object(identifier) {
      const kind = (identifier[0] >> 4) & 3;
      if (kind !== 0) file.unsupported("a huge or tiny object in a heap", address);
      const offset = numberIn(identifier, 1, offsetSize);
      const length = numberIn(identifier, 1 + offsetSize, lengthSize);
      const at = rows === 0 ? root + offset : await placeOf(root, 0, offset);
      return file.read(at, length);
    },
  };
}

function numberIn(bytes: Uint8Array, from: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[from + i] ?? 0);
  return value;
}
