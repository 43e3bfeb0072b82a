import type { Feed } from "../explain/importance/compute.ts";
import { type Random, random } from "../random.ts";

/** Data for training: read front to back as often as it takes. */
export interface Source {
  /** For messages. */
  readonly name: string;
  readonly samples: number;
  /** A new pass over all samples, in batches of at most the graph's size. */
  pass(): AsyncIterable<Feed>;
}

/** A share of the samples that no training step sees, chosen by seed: one of them at least. */
export function holdOut(
  { name, samples, pass }: Source,
  share: number,
  seed: number,
): { readonly train: Source; readonly validation: Source } {
  const count = Math.min(samples - 1, Math.max(1, Math.round(share * samples)));
  const held = new Uint8Array(samples);
  shuffled(samples, random(seed))
    .subarray(0, count)
    .forEach((i) => {
      held[i] = 1;
    });
  const part = (of: 0 | 1, size: number): Source => ({
    name,
    samples: size,
    async *pass() {
      for await (const feed of pass()) {
        const own = chosen(feed, (i) => held[i] === of);
        if (own.count > 0) yield own;
      }
    },
  });
  return { train: part(0, samples - count), validation: part(1, count) };
}

function chosen(feed: Feed, wanted: (sample: number) => boolean): Feed {
  const places: number[] = [];
  for (let i = 0; i < feed.count; i++) if (wanted(feed.from + i)) places.push(i);
  if (places.length === feed.count) return feed;
  return {
    from: feed.from,
    count: places.length,
    inputs: feed.inputs.map((x) => {
      const w = x.length / feed.count;
      const rows = new Float32Array(w * places.length);
      places.forEach((p, k) => {
        rows.set(x.subarray(p * w, (p + 1) * w), k * w);
      });
      return rows;
    }),
    ...(feed.labels === undefined
      ? {}
      : { labels: Int32Array.from(places, (p) => feed.labels![p]) }),
  };
}

/** The numbers below n in a random order (Fisher–Yates). */
export function shuffled(n: number, { uniform }: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const k = Math.floor(uniform() * (i + 1));
    [order[i], order[k]] = [order[k], order[i]];
  }
  return order;
}
