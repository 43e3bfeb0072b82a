import { deflateSync } from "node:zlib";
import { crc32 } from "#core/data/crc32.ts";

/** A PNG of 8 bits around packed pixels: colour type 2 is RGB, 0 grey. */
export function pngOf(width: number, height: number, packed: Uint8Array, colour = 2): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colour, 0, 0, 0], 8);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const chunks = [chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

/** A grey picture. */
export function greyPng(width: number, pixels: Uint8Array): Uint8Array {
  const height = pixels.length / width;
  const lines = Array.from({ length: height }, (_, y) =>
    Buffer.concat([Buffer.of(0), pixels.subarray(y * width, (y + 1) * width)]),
  );
  return pngOf(width, height, deflateSync(Buffer.concat(lines)), 0);
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
