/** How one value is stored, and how values become float32. */
export interface Element {
  /** Name as numpy spells it, for messages. */
  readonly name: string;
  /** Bytes of one value. */
  readonly size: number;
  /** Decodes out.length values from the start of `bytes` (at least out.length × size of them). */
  decode(bytes: Uint8Array, out: Float32Array): void;
  /** Whether values may be NaN or infinite. */
  readonly real: boolean;
}

export type ElementName =
  | "u1"
  | "i1"
  | "u2"
  | "i2"
  | "u4"
  | "i4"
  | "u8"
  | "i8"
  | "f4"
  | "f8"
  | "b1";

type Get = (view: DataView, at: number, little: boolean) => number;

const getters: Record<Exclude<ElementName, "u1" | "b1">, Get> = {
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The element type of that name and byte order. */
export function element(name: ElementName, little: boolean): Element {
  if (name === "u1" || name === "b1") {
    return {
      name,
      size: 1,
      real: false,
      decode: (bytes, out) => out.set(bytes.subarray(0, out.length)),
    };
  }
  if (name === "f4" && little && LITTLE_ENDIAN) {
    return {
      name,
      size: 4,
      real: true,
      decode: (bytes, out) =>
        new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(
          bytes.subarray(0, out.byteLength),
        ),
    };
  }
  const get = getters[name];
  const size = Number(name[1]);
  return {
    name,
    size,
    real: name[0] === "f",
    decode(bytes, out) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0, at = 0; i < out.length; i++, at += size) out[i] = get(view, at, little);
    },
  };
}

export function isElementName(name: string): name is ElementName {
  return name === "u1" || name === "b1" || Object.hasOwn(getters, name);
}
