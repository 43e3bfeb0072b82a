import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { DataSpec } from "#core/data/spec.ts";

const folder = join(
  process.env.KAIBO_DATA ?? fileURLToPath(new URL("../../../shared/data/", import.meta.url)),
  "mnist",
);
const images = (set: string) => join(folder, `${set}-images-idx3-ubyte.gz`);

export const hasMnist = (): boolean => existsSync(images("t10k")) && existsSync(images("train"));

/** The first digits of a set. */
export const mnist = (set: "train" | "t10k", limit?: number): DataSpec => ({
  data: images(set),
  preprocess: { scale: 1 / 255 },
  ...(limit === undefined ? {} : { limit }),
});

/** A CNN with 12 and 32 filters that PyTorch trained: see fixtures/mnist/train.py. */
export const mnistNet = fileURLToPath(new URL("../fixtures/mnist/cnn.onnx", import.meta.url));

const PIXELS = 28 * 28;
const BATCH = 500;

/** Share of the first test digits that a file classifies right, by ONNX Runtime alone. */
export async function accuracyOnMnist(model: string, samples: number): Promise<number> {
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(readFileSync(model));
  const pixels = gunzipSync(readFileSync(images("t10k"))).subarray(16);
  const labels = gunzipSync(readFileSync(join(folder, "t10k-labels-idx1-ubyte.gz"))).subarray(8);
  let correct = 0;
  for (let from = 0; from < samples; from += BATCH) {
    const count = Math.min(BATCH, samples - from);
    const x = Float32Array.from(
      pixels.subarray(from * PIXELS, (from + count) * PIXELS),
      (p) => p / 255,
    );
    const [name] = session.inputNames;
    const found = await session.run({ [name!]: new ort.Tensor("float32", x, [count, 1, 28, 28]) });
    const logits = found[session.outputNames[0]!]!.data as Float32Array;
    for (let i = 0; i < count; i++) {
      const row = logits.subarray(i * 10, (i + 1) * 10);
      if (row.indexOf(Math.max(...row)) === labels[from + i]) correct++;
    }
  }
  await session.release();
  return correct / samples;
}
