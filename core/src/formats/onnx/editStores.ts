import { rawBytes } from "./elements.ts";
import { concat, delimited, fixed32, type Pieces, tagged, varint } from "./pieces.ts";
import type { Content, Patch } from "./splice.ts";
import { type Stored, sizeInFile } from "./stored.ts";
import type { Spot } from "./stores.ts";
import { type Field, fieldsIn, type Window } from "./wire.ts";

const DIMS = new Set([1]);
const RAW = 9;
/** The fields of TensorProto that hold its data or say where they are. */
const DATA = new Set([4, 5, 6, 7, RAW, 10, 11, 13, 14]);
const VALUES = { value_float: 2, value_int: 3, value_floats: 7, value_ints: 8 } as const;

/** What to change in the file so that a stored tensor becomes another; unknown fields of it stay. */
export async function storePatches(window: Window, spot: Spot, after: Stored): Promise<Patch[]> {
  const { path } = spot;
  const fields: Field[] = [];
  const last = path[path.length - 1];
  for await (const field of fieldsIn(window, last)) fields.push(field);
  const replace = (numbers: ReadonlySet<number>, content: readonly Content[]): Patch[] => {
    const old = fields.filter((f) => numbers.has(f.number));
    if (old.length === 0) return [{ path, start: last.end, end: last.end, content }];
    return old.map((f, i) => ({
      path,
      start: f.head,
      end: f.end,
      content: i === 0 ? content : [],
    }));
  };

  if ("attribute" in spot) {
    const field = VALUES[spot.attribute.name as keyof typeof VALUES];
    const { element } = after;
    const values = element.decode(await after.bytes());
    const content = (): Pieces => {
      if (element.dtype !== "float32") return [...values].map((v) => varint(field, v));
      return field === VALUES.value_float
        ? [fixed32(field, rawBytes("float32", values))]
        : delimited(field, rawBytes("float32", values));
    };
    return replace(new Set([field]), [concat(content())]);
  }
  const size = sizeInFile(after);
  const load = async () => {
    const bytes = await after.bytes();
    return after.element.packing?.pack(bytes) ?? bytes;
  };
  return [
    ...replace(
      DIMS,
      after.shape.map((d) => varint(1, d)),
    ),
    ...replace(DATA, [tagged(RAW, size), { length: size, load }]),
  ];
}
