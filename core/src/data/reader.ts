import { fail } from "../problem.ts";
import { byteAt, type Content } from "./content.ts";
import { joined } from "./ranges.ts";

/** Reads a content from front to back, an exact number of bytes at a time. */
export class Reader {
  readonly #content: Content;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  /** Offset of the next byte in the unpacked content. */
  position: number;

  constructor(content: Content, from = 0) {
    this.#content = content;
    this.#pieces = content.bytes(from)[Symbol.asyncIterator]();
    this.position = from;
  }

  /** The next `length` bytes; fails when the content ends before. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.takeUpTo(length);
    if (bytes.length === length) return bytes;
    fail(
      "unreadable-data",
      `the data ends here, ${length - bytes.length} bytes before the end its header announces; copy or download the file again`,
      this.#content.file,
      byteAt(this.#content, this.position),
    );
  }

  /** Like `take`, but shorter where the content ends before. Never holds more than there is. */
  async takeUpTo(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let taken = 0;
    while (taken < length && (this.#piece.length > 0 || (await this.#more()))) {
      const part = this.#cut(Math.min(length - taken, this.#piece.length));
      parts.push(part);
      taken += part.length;
    }
    return parts.length === 1 ? parts[0] : joined(parts);
  }

  async atEnd(): Promise<boolean> {
    return this.#piece.length === 0 && !(await this.#more());
  }

  /** Lets the content go before its end. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  #cut(length: number): Uint8Array {
    const part = this.#piece.subarray(0, length);
    this.#piece = this.#piece.subarray(length);
    this.position += length;
    return part;
  }

  async #more(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      this.#piece = next.value;
    }
    return true;
  }
}
