import { isDeepStrictEqual } from "node:util";
import type { Merged } from "./inShardOrder.ts";

/** Keeps what a job has come to, so that it can go on there after it was cancelled or its process died. */
export interface Checkpoint {
  /** What was kept for the same question; undefined when there is nothing, or it is damaged. */
  load(): Promise<unknown>;
  /** Replaces what was kept. The value is read before the call returns. */
  store(value: unknown): Promise<void>;
  /** The job is done. */
  remove(): Promise<void>;
}

/** Between two checkpoints, so that they cost next to nothing. */
const SECONDS = 10;

/** What is compared: sums go on only over the same shards of the same opened task. */
export interface Opening {
  readonly samples: number;
  readonly batch: number;
  readonly shards: number;
  readonly info: unknown;
}

/** The checkpoints of one run of a job. Storage that does not work costs time, not results. */
export class Resuming<R> {
  readonly #checkpoint: Checkpoint | undefined;
  readonly #opening: Opening;
  #last = performance.now();
  #stored: number;
  #writing: Promise<void> = Promise.resolve();

  private constructor(checkpoint: Checkpoint | undefined, opening: Opening, stored: number) {
    this.#checkpoint = checkpoint;
    this.#opening = opening;
    this.#stored = stored;
  }

  static async open<R>(
    checkpoint: Checkpoint | undefined,
    opening: Opening,
  ): Promise<{ resuming: Resuming<R>; before: Merged<R> | undefined }> {
    const found = await checkpoint?.load().catch(() => undefined);
    const kept = found as { opening: Opening; merged: Merged<R> } | undefined;
    const before = isDeepStrictEqual(kept?.opening, opening) ? kept?.merged : undefined;
    return { resuming: new Resuming(checkpoint, opening, before?.next ?? 0), before };
  }

  /** After a shard: keeps the sums now and then. */
  passed(merged: Merged<R> | undefined): void {
    if (performance.now() - this.#last > 1000 * SECONDS) this.#store(merged);
  }

  /** The job ends before its time. */
  async interrupted(merged: Merged<R> | undefined): Promise<void> {
    await this.#writing;
    this.#store(merged);
    await this.#writing;
  }

  async finished(): Promise<void> {
    await this.#writing;
    await this.#checkpoint?.remove().catch(() => undefined);
  }

  #store(merged: Merged<R> | undefined): void {
    if (this.#checkpoint === undefined || merged === undefined || merged.next === this.#stored)
      return;
    this.#last = performance.now();
    this.#stored = merged.next;
    const value = { opening: this.#opening, merged };
    this.#writing = this.#checkpoint.store(value).catch(() => undefined);
  }
}
