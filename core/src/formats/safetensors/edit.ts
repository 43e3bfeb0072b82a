import type { ByteSource } from "../../data/dataset.ts";
import { fail, ProblemError, problem } from "../../problem.ts";
import { type Edit, ofTensor } from "../edits.ts";
import type { Edited, EditedFile } from "../format.ts";
import { edited } from "../onnx/cut.ts";
import { utf8 } from "../onnx/pieces.ts";
import { settled } from "../onnx/read.ts";
import { byteSize, type Stored } from "../onnx/stored.ts";
import { checkSettings } from "../settings.ts";
import { type Entry, type Header, inFile, LONGEST_HEADER, readHeader } from "./header.ts";
import { modelOf, storedOf } from "./read.ts";

/** Tensors keep their order, in the header and behind it; the header's end stays aligned to 8 bytes. */
export const applyEdits = (source: ByteSource, all: readonly Edit[]): Promise<Edited> =>
  settled(source, async () => {
    const header = await readHeader(source);
    const { name: file } = source;
    const edits = all.filter(ofTensor);
    const names = new Set(header.entries.map((e) => e.name));
    const unknown = edits.find((e) => !names.has(e.tensor));
    if (unknown !== undefined)
      return fail(
        "cannot-write",
        "there is no such tensor in the model",
        file,
        `tensor ${unknown.tensor}`,
      );
    const stores = new Map(
      header.entries.map((entry): [Entry, Stored] => {
        const own = edits.filter((e) => e.tensor === entry.name);
        return [entry, edited(storedOf(source, entry), own, file)];
      }),
    );
    const model = modelOf(file, header, [...stores.values()]);
    checkSettings(model, all, file);
    const kept = new Set(header.entries.filter((e) => !edits.some((d) => d.tensor === e.name)));
    return { file: written(source, header, stores, kept), model, problems: [] };
  });

function written(
  source: ByteSource,
  header: Header,
  stores: ReadonlyMap<Entry, Stored>,
  kept: ReadonlySet<Entry>,
): EditedFile {
  const places = new Map<Entry, number>();
  let end = 0;
  for (const entry of inFile(header.entries)) {
    places.set(entry, end);
    end += byteSize(stores.get(entry)!);
  }
  const json = [
    ...(header.metadata.size === 0
      ? []
      : [["__metadata__", Object.fromEntries(header.metadata)] as const]),
    ...header.entries.map((entry) => {
      const stored = stores.get(entry)!;
      const start = places.get(entry)!;
      const offsets = [start, start + byteSize(stored)];
      return [
        entry.name,
        { dtype: entry.dtype, shape: stored.shape, data_offsets: offsets },
      ] as const;
    }),
  ];
  // Written one by one: an object would put names that are numbers first.
  const text = utf8(
    `{${json.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(",")}}`,
  );
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  if (head.length - 8 > LONGEST_HEADER)
    fail("cannot-write", `its header would have more than ${LONGEST_HEADER} bytes`, source.name);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(text, 8);
  return {
    size: head.length + end,
    async *pieces() {
      yield head;
      for (const entry of inFile(header.entries)) {
        if (kept.has(entry)) yield* stretch(source, entry);
        else yield await stores.get(entry)!.bytes();
      }
    },
  };
}

const PIECE = 4 << 20;

async function* stretch(
  source: ByteSource,
  { name, start, end }: Entry,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += PIECE)
    try {
      yield await source.read(at, Math.min(PIECE, end - at));
    } catch (error) {
      const why = `the file cannot be read: ${(error as Error).message}`;
      throw new ProblemError(problem("unreadable-model", why, source.name, `tensor ${name}`));
    }
}
