import type { Tensor } from "../ir/tensor.ts";

/** Samples classified as labelled: by the largest of several logits, by the sign of a single one. */
export function correctIn(logits: Tensor, labels: Int32Array): number {
  const classes = logits.shape[1];
  const { data } = logits;
  let correct = 0;
  labels.forEach((label, i) => {
    let best = 0;
    for (let j = 1; j < classes; j++)
      if (data[i * classes + j] > data[i * classes + best]) best = j;
    if (classes === 1) best = data[i] > 0 ? 1 : 0;
    if (best === label) correct++;
  });
  return correct;
}
