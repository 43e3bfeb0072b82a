import { type Bytes, type Cursor, UNDEFINED } from "./bytes.ts";
import { denseMessages } from "./dense.ts";
import { type Message, MessageType } from "./messages.ts";

const DEEPEST_TREE = 32;

/** Addresses of the objects in a group, by name. Links to other places or files are left out. */
export async function membersOf(
  file: Bytes,
  messages: readonly Message[],
): Promise<ReadonlyMap<string, number>> {
  const members = new Map<string, number>();
  for (const { type, body } of messages) {
    if (type === MessageType.symbolTable) await symbolTable(file, body, members);
    if (type === MessageType.link) hardLink(file, body, members);
    if (type === MessageType.linkInfo) await denseLinks(file, body, members);
  }
  return members;
}

/** Groups as HDF5 1.0 has them: a B-tree of names that stand in a local heap. */
async function symbolTable(file: Bytes, body: Cursor, members: Map<string, number>) {
  const [tree, heapAt] = [body.u64(), body.u64()];
  const heap = await file.read(heapAt, 32);
  heap.expect("HEAP");
  heap.skip(4);
  const size = heap.u64();
  heap.skip(8);
  const names = await file.read(heap.u64(), size);
  await walkTree(file, tree, 0, 8, async (_key, address) => {
    const head = await file.read(address, 8);
    head.expect("SNOD");
    head.skip(2);
    const entries = await file.read(address + 8, head.u16() * 40);
    while (entries.left > 0) {
      const [name, object] = [entries.u64(), entries.u64()];
      entries.skip(24);
      names.at = Math.min(name, size);
      members.set(names.text(names.left), object);
    }
  });
}

/** Visits the leaves of a B-tree of version 1: kind 0 of groups, 1 of chunks. */
export async function walkTree(
  file: Bytes,
  root: number,
  kind: number,
  keySize: number,
  visit: (key: Cursor, address: number) => Promise<void>,
): Promise<void> {
  const visitNode = async (address: number, depth: number): Promise<void> => {
    if (depth > DEEPEST_TREE) file.damaged("a tree is too deep", address);
    const head = await file.read(address, 24);
    head.expect("TREE");
    if (head.u8() !== kind) file.damaged("a tree is of another kind", address);
    const [level, used] = [head.u8(), head.u16()];
    const entries = await file.read(address + 24, used * (keySize + 8));
    for (let i = 0; i < used; i++) {
      const key = entries.part(keySize);
      const child = entries.u64();
      if (level === 0) await visit(key, child);
      else await visitNode(child, depth + 1);
    }
  };
  await visitNode(root, 0);
}

function hardLink(file: Bytes, body: Cursor, members: Map<string, number>): void {
  if (body.u8() !== 1) file.unsupported("this version of links", body.address);
  const flags = body.u8();
  const type = flags & 8 ? body.u8() : 0;
  if (flags & 4) body.skip(8);
  if (flags & 16) body.skip(1);
  const name = body.text(body.uint(1 << (flags & 3)));
  if (type === 0) members.set(name, body.u64());
}

async function denseLinks(file: Bytes, body: Cursor, members: Map<string, number>) {
  body.skip(1);
  if (body.u8() & 1) body.skip(8);
  const [heap, names] = [body.u64(), body.u64()];
  if (heap >= UNDEFINED) return;
  for (const link of await denseMessages(file, heap, names)) hardLink(file, link, members);
}
