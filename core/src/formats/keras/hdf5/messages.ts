import type { Bytes, Cursor } from "./bytes.ts";

/** One message of an object header (HDF5 file format specification, IV.A). */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Cursor;
}

export const MessageType = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

const MOST_MESSAGES = 100_000;

/** The messages of the object header at an address, of version 1 or 2. */
export async function messagesAt(file: Bytes, address: number): Promise<readonly Message[]> {
  const start = await file.read(address, 4);
  const header =
    start.bytes[0] === 1 ? await version1(file, address) : await version2(file, address);
  const messages: Message[] = [];
  const blocks = [header.block];
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift())
    for (const message of header.split(block)) {
      if (messages.push(message) > MOST_MESSAGES)
        file.damaged("an object header never ends", address);
      if (message.type === MessageType.continuation) {
        const [at, length] = [message.body.u64(), message.body.u64()];
        blocks.push(header.continued(await file.read(at, length)));
      }
    }
  return messages;
}

interface Header {
  readonly block: Cursor;
  split(block: Cursor): Iterable<Message>;
  /** The messages of a continuation block. */
  continued(block: Cursor): Cursor;
}

async function version1(file: Bytes, address: number): Promise<Header> {
  const prefix = await file.read(address, 16);
  prefix.skip(8);
  return {
    block: await file.read(address + 16, prefix.u32()),
    continued: (block) => block,
    *split(block) {
      while (block.left >= 8) {
        const [type, size, flags] = [block.u16(), block.u16(), block.u8()];
        block.skip(3);
        yield { type, flags, body: block.part(size) };
      }
    },
  };
}

async function version2(file: Bytes, address: number): Promise<Header> {
  // Signature, version, flags, times, limits, size: 34 bytes at most, and there is always a checksum.
  const prefix = await file.read(address, 6);
  prefix.expect("OHDR");
  if (prefix.u8() !== 2) file.unsupported("this version of object headers", address);
  const flags = prefix.u8();
  const skipped = (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = 1 << (flags & 3);
  const size = (await file.read(address + 6 + skipped, width)).uint(width);
  const numbered = (flags & 4) !== 0;
  return {
    block: await file.read(address + 6 + skipped + width, size),
    continued(block) {
      block.expect("OCHK");
      return block.part(Math.max(0, block.left - 4));
    },
    *split(block) {
      while (block.left >= (numbered ? 6 : 4)) {
        const [type, length, bits] = [block.u8(), block.u16(), block.u8()];
        if (numbered) block.skip(2);
        yield { type, flags: bits, body: block.part(length) };
      }
    },
  };
}
