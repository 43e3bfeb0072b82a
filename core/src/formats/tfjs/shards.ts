import type { ByteSource } from "../../data/dataset.ts";
import type { Siblings } from "../format.ts";
import { unsafePath } from "../onnx/external.ts";

/** The files of one group of weights, as one run of bytes. */
export interface Shards {
  readonly paths: readonly string[];
  /** Lengths of the files that are there, up to the first that is not. */
  readonly lengths: readonly number[];
  readonly size: number;
  /** No file is missing. */
  readonly complete: boolean;
  read(start: number, size: number): Promise<Uint8Array>;
}

/** Opens the files beside the model; what is missing or outside of its folder is told, with the path. */
export async function openShards(
  paths: readonly string[],
  siblings: Siblings,
  tell: (why: string, place: string) => void,
): Promise<Shards> {
  const sources: ByteSource[] = [];
  for (const path of paths) {
    const place = `shard ${JSON.stringify(path.slice(0, 200)).slice(1, -1)}`;
    const unsafe = unsafePath(path);
    if (unsafe !== undefined) {
      tell(`its path ${unsafe}: weights must be beside the model`, place);
      break;
    }
    const source = await siblings.open(path);
    if (source === undefined) {
      tell("this file of weights is missing: put it beside the model", place);
      break;
    }
    sources.push(source);
  }
  const lengths = sources.map((s) => s.size);
  return {
    paths,
    lengths,
    size: lengths.reduce((a, b) => a + b, 0),
    complete: sources.length === paths.length,
    async read(start, size) {
      const whole = new Uint8Array(size);
      let first = 0;
      for (const source of sources) {
        const from = Math.max(start, first);
        const to = Math.min(start + size, first + source.size);
        if (from < to) {
          const part = await source.read(from - first, to - from);
          if (from === start && to === start + size) return part;
          whole.set(part, from - start);
        }
        first += source.size;
      }
      return whole;
    },
  };
}
