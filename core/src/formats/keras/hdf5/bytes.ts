import { strFromU8 } from "fflate";
import type { ByteSource } from "../../../data/dataset.ts";
import { type Limits, many, refuseOver } from "../../../limits.ts";
import { fail } from "../../../problem.ts";
import { Window } from "../../onnx/wire.ts";

/** An honest reading touches each structure about once, heaps of texts some times more. */
const MOST_READS = 4_000_000;
const MOST_TIMES = 64;
const ALWAYS = 16 * 1024 * 1024;

/** Reads stretches of an HDF5 file; everything that goes past its end is a problem with the place. */
export class Bytes {
  readonly source: ByteSource;
  readonly limits: Limits;
  /** Where the file's addresses count from. */
  base = 0;
  readonly #window: Window;
  #reads = 0;
  #total = 0;

  constructor(source: ByteSource, limits: Limits) {
    this.source = source;
    this.limits = limits;
    this.#window = new Window(source);
  }

  /** Part of a structure. */
  async read(address: number, length: number): Promise<Cursor> {
    this.#total += length;
    if (++this.#reads > MOST_READS || this.#total > ALWAYS + MOST_TIMES * this.source.size)
      this.damaged("its structures go round in circles", address);
    if (length > this.limits.textBytes)
      this.over("textBytes", `a part of it has ${many(length)} bytes`, address);
    return this.data(address, length);
  }

  /** Elements of an array, which may be read any number of times. */
  async data(address: number, length: number): Promise<Cursor> {
    const at = this.base + address;
    if (!Number.isSafeInteger(at) || at < 0 || at + length > this.source.size)
      this.damaged("it refers to bytes that are not in the file", address);
    return new Cursor(this, await this.#window.read(at, length), address);
  }

  damaged(why: string, address: number): never {
    return fail(
      "unreadable-model",
      `${why}: the file is cut off or damaged; copy or save it again`,
      this.source.name,
      `byte ${this.base + address}`,
    );
  }

  over(limit: keyof Limits, has: string, address: number): never {
    const place = `byte ${this.base + address}`;
    return refuseOver(this.limits, limit, has, this.source.name, place);
  }

  unsupported(what: string, address: number): never {
    return fail(
      "unreadable-model",
      `${what} of HDF5 is not supported; save the model again with Keras`,
      this.source.name,
      `byte ${this.base + address}`,
    );
  }
}

/** Undefined addresses have all bits set. */
export const UNDEFINED = 2 ** 64;

/** Little-endian fields, one after another. */
export class Cursor {
  readonly bytes: Uint8Array;
  /** Of the first byte, in the file. */
  readonly address: number;
  at = 0;
  readonly #file: Bytes;
  readonly #view: DataView;

  constructor(file: Bytes, bytes: Uint8Array, address: number) {
    this.bytes = bytes;
    this.address = address;
    this.#file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(count: number): void {
    this.#next(count);
  }

  u8 = (): number => this.#view.getUint8(this.#next(1));
  u16 = (): number => this.#view.getUint16(this.#next(2), true);
  u32 = (): number => this.#view.getUint32(this.#next(4), true);

  /** An address or a length: exact up to 2^53, which no file reaches. */
  u64(): number {
    const at = this.#next(8);
    return this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  uint = (width: number): number =>
    width === 1 ? this.u8() : width === 2 ? this.u16() : width === 4 ? this.u32() : this.u64();

  take(count: number): Uint8Array {
    const from = this.#next(count);
    return this.bytes.subarray(from, from + count);
  }

  /** An unsigned number of any number of bytes. */
  number(width: number): number {
    return this.take(width).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  /** The next bytes as a cursor of their own. */
  part(count: number): Cursor {
    const address = this.address + this.at;
    return new Cursor(this.#file, this.take(count), address);
  }

  /** Text up to a zero or the end of the given bytes. */
  text(count: number): string {
    return textOf(this.take(count));
  }

  expect(signature: string): void {
    if (String.fromCharCode(...this.take(signature.length)) !== signature)
      this.#file.damaged(`there is no ${signature} block here`, this.address);
  }

  #next(count: number): number {
    const from = this.at;
    if (count < 0 || from + count > this.bytes.length)
      this.#file.damaged("a structure ends before its last field", this.address);
    this.at += count;
    return from;
  }
}

export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return strFromU8(end < 0 ? bytes : bytes.subarray(0, end));
}
