import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { greyPng } from "./png.ts";
import { pytorchFile } from "./pytorch.ts";

/**
 * The 200 digits of the fixtures as PNG files, a folder for each class.
 * @param border pixels of 0 left out on every side
 */
export function digitPictures(folder: string, border = 0): void {
  const images = gunzipSync(readFileSync(pytorchFile("mnist200-images-idx3-ubyte.gz"))).subarray(
    16,
  );
  const labels = gunzipSync(readFileSync(pytorchFile("mnist200-labels-idx1-ubyte.gz"))).subarray(8);
  const side = 28 - 2 * border;
  labels.forEach((label, i) => {
    const pixels = new Uint8Array(side * side);
    for (let y = 0; y < side; y++) {
      const from = i * 784 + (y + border) * 28 + border;
      pixels.set(images.subarray(from, from + side), y * side);
    }
    mkdirSync(join(folder, String(label)), { recursive: true });
    writeFileSync(join(folder, String(label), `${i}.png`), greyPng(side, pixels));
  });
}
