import type { ByteSource } from "../../data/dataset.ts";
import type { EditedFile } from "../format.ts";
import { tagged } from "./pieces.ts";
import type { Range } from "./wire.ts";

/** Bytes to write, perhaps made only when they are written. */
export type Content =
  | Uint8Array
  | { readonly length: number; readonly load: () => Promise<Uint8Array> };

/** New content for the bytes [start, end) of the file. */
export interface Patch {
  /** The messages around it, outermost first, without the file itself; their lengths change. */
  readonly path: readonly Range[];
  readonly start: number;
  readonly end: number;
  readonly content: readonly Content[];
}

/** A message some of whose bytes are replaced. */
interface Group extends Range {
  readonly groups: Map<number, Group>;
  readonly patches: Patch[];
}

const PIECE = 4 * 1024 * 1024;

/** The file with the patches, which must not overlap; every other byte is copied from the source. */
export function splice(source: ByteSource, patches: readonly Patch[]): EditedFile {
  const root: Group = {
    number: 0,
    head: 0,
    start: 0,
    end: source.size,
    groups: new Map(),
    patches: [],
  };
  for (const patch of patches) {
    let group = root;
    for (const range of patch.path) {
      const next = group.groups.get(range.head) ?? { ...range, groups: new Map(), patches: [] };
      group.groups.set(range.head, next);
      group = next;
    }
    group.patches.push(patch);
  }
  const parts = partsOf(root);
  return { size: lengthOf(parts), pieces: () => write(source, parts) };
}

type Part = Content | { readonly from: number; readonly to: number };

/** The content of a message: stretches of the source, and what replaces the others. */
function partsOf(group: Group): Part[] {
  const parts: Part[] = [];
  const changes = [
    ...group.patches.map((p) => ({
      start: p.start,
      end: p.end,
      parts: (): readonly Part[] => p.content,
    })),
    ...[...group.groups.values()].map((g) => ({
      start: g.head,
      end: g.end,
      parts: () => messageOf(g),
    })),
  ].sort((a, b) => a.start - b.start || a.end - b.end);
  let at = group.start;
  for (const change of changes) {
    parts.push({ from: at, to: change.start });
    for (const part of change.parts()) parts.push(part);
    at = change.end;
  }
  parts.push({ from: at, to: group.end });
  return parts;
}

function messageOf(group: Group): Part[] {
  const content = partsOf(group);
  return [tagged(group.number, lengthOf(content)), ...content];
}

const lengthOf = (parts: readonly Part[]): number =>
  parts.reduce((n, part) => n + ("from" in part ? part.to - part.from : part.length), 0);

async function* write(source: ByteSource, parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else if ("load" in part) yield await part.load();
    else
      for (let at = part.from; at < part.to; at += PIECE)
        yield await source.read(at, Math.min(PIECE, part.to - at));
  }
}
