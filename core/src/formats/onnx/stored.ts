import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { ByteSource } from "../../data/dataset.ts";
import { size, type Tensor } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import { lazyTensor } from "../weights.ts";
import type { Chunk } from "./decode.ts";
import { type Element, elementName, elementOf } from "./elements.ts";
import type { Locate } from "./external.ts";
import type { TensorProto } from "./schema.ts";
import { guarded } from "./wire.ts";

/** A tensor of the file: its type, and a way to its bytes as raw_data would have them, one or more an element. */
export interface Stored {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  /** Exactly the bytes of the shape, little endian. */
  bytes(): Promise<Uint8Array>;
}

export const byteSize = ({ element, shape }: Pick<Stored, "element" | "shape">): number =>
  shape.reduce((n, d) => n * d, element.bytes);

/** Bytes in the file. */
export const sizeInFile = ({ element, shape }: Pick<Stored, "element" | "shape">): number =>
  element.packing?.size(size(shape)) ?? byteSize({ element, shape });

/** What the bytes of a file hold, element by element. */
export const takenApart = (
  { element, shape }: Pick<Stored, "element" | "shape">,
  bytes: Uint8Array,
): Uint8Array => element.packing?.unpack(bytes, size(shape)) ?? bytes;

export const tensorOf = (stored: Stored): Tensor =>
  lazyTensor({ dtype: stored.element.dtype, shape: stored.shape }, async () =>
    stored.element.decode(await stored.bytes()),
  );

const EXTERNAL = 1;
/** The largest that ONNX's own files can hold is 2 GiB; external data may be larger. */
const LARGEST = 2 ** 40;

/** Throws ProblemError where type, shape and bytes of the tensor do not fit together. */
export async function storedTensor(
  source: ByteSource,
  proto: TensorProto,
  name: string,
  locate: Locate,
): Promise<Stored> {
  const wrong = (why: string): never =>
    fail("unreadable-model", why, source.name, `tensor ${name}`);
  const element =
    elementOf(proto.dataType) ??
    wrong(`tensors of element type ${elementName(proto.dataType)} are not supported`);
  const shape = proto.dims;
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    wrong(`shape [${shape.join(", ")}] has a length that is not a number from 0`);
  const wanted = sizeInFile({ element, shape });
  if (wanted > LARGEST) wrong(`shape [${shape.join(", ")}] is absurdly large`);
  if (proto.segment.length > 0)
    wrong("tensors in segments are not supported: export the model again");
  const misfit = (found: number) =>
    wrong(
      `shape [${shape.join(", ")}] of ${element.name} needs ${wanted} bytes, there are ${found}`,
    );

  const stored = (load: () => Promise<Uint8Array>): Stored => ({
    name,
    element,
    shape,
    bytes: async () => takenApart({ element, shape }, await load()),
  });
  if (proto.dataLocation === EXTERNAL) {
    const stretch = await locate(proto, wanted);
    return stored(() => stretch.source.read(stretch.start, wanted));
  }
  const raw = proto.rawData.filter((c) => c.end > c.start);
  if (raw.length > 1) wrong("raw_data is given twice");
  const typed = typedField(proto, element);
  const chunks = raw.length > 0 ? raw : typed.chunks;
  if (raw.length > 0 || typed.fixed) {
    const found = chunks.reduce((n, c) => n + c.end - c.start, 0);
    if (found !== wanted) misfit(found);
    return stored(() => read(source, chunks));
  }
  // How many varints there are shows only when they are read.
  const content = await read(source, chunks);
  const { values, found } = guarded(source.name, chunks[0]?.start ?? proto.at.start, () =>
    unpack(content, element.bytes, wanted),
  );
  if (found !== wanted) misfit(found);
  return stored(async () => values);
}

/** The *_data field that holds elements of a type, and whether in their own fixed width. */
export function typedField(
  proto: TensorProto,
  { name }: Element,
): { chunks: readonly Chunk[]; fixed: boolean } {
  switch (name) {
    case "float":
      return { chunks: proto.floatData, fixed: true };
    case "double":
      return { chunks: proto.doubleData, fixed: true };
    case "int64":
      return { chunks: proto.int64Data, fixed: false };
    case "uint32":
    case "uint64":
      return { chunks: proto.uint64Data, fixed: false };
    default:
      return { chunks: proto.int32Data, fixed: false };
  }
}

async function read(source: ByteSource, chunks: readonly Chunk[]): Promise<Uint8Array> {
  const load = async ({ bytes, start, end }: Chunk) => bytes ?? source.read(start, end - start);
  if (chunks.length === 1) return load(chunks[0]);
  const whole = new Uint8Array(chunks.reduce((n, c) => n + c.end - c.start, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(await load(chunk), at);
    at += chunk.end - chunk.start;
  }
  return whole;
}

/** Varints to little-endian elements; float16, bool and small integers are the low bytes of each. */
export function unpack(
  content: Uint8Array,
  bytes: number,
  size: number,
): { values: Uint8Array; found: number } {
  // Every element takes a byte at least, so a size that lies cannot ask for much memory.
  const values = new Uint8Array(Math.min(size, content.length * bytes));
  const reader = new BinaryReader(content);
  const item = new DataView(new ArrayBuffer(8));
  let found = 0;
  for (; reader.pos < content.length; found += bytes) {
    item.setBigInt64(0, BigInt(reader.int64()), true);
    if (found < values.length) for (let b = 0; b < bytes; b++) values[found + b] = item.getUint8(b);
  }
  return { values, found };
}
