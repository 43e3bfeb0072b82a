import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { DataSpec } from "#core/data/spec.ts";
import { pytorchFile } from "./pytorch.ts";
import type { TemporaryFolder } from "./temporary.ts";

/** `times` copies of the 200 digits of the fixture, each copy darker, so that no two shards are alike. */
export function manyDigits(folder: TemporaryFolder, times: number): DataSpec {
  const images = gunzipSync(readFileSync(pytorchFile("mnist200-images-idx3-ubyte.gz")));
  const labels = gunzipSync(readFileSync(pytorchFile("mnist200-labels-idx1-ubyte.gz")));
  const copies = (bytes: Buffer, header: number, value: (v: number, copy: number) => number) => {
    const all = Array.from({ length: times }, (_, copy) =>
      bytes.subarray(header).map((v) => value(v, copy)),
    );
    const head = Buffer.from(bytes.subarray(0, header));
    head.writeUInt32BE(200 * times, 4);
    return Buffer.concat([head, ...all]);
  };
  const data = folder.file("many-images-idx3-ubyte");
  writeFileSync(
    data,
    copies(images, 16, (v, copy) => v >> (copy % 3)),
  );
  writeFileSync(
    folder.file("many-labels-idx1-ubyte"),
    copies(labels, 8, (v) => v),
  );
  return { data, preprocess: { scale: 1 / 255 } };
}
