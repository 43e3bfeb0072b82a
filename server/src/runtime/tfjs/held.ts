import * as tf from "@tensorflow/tfjs-core";
import { type DType, size, type Tensor, typed } from "#core/ir/tensor.ts";

/**
 * How the axes of a device tensor stand: as in the graph (`plain`), or with axis 1 moved to the end
 * (`last`), which is how TensorFlow.js convolves and pools.
 */
export type Layout = "plain" | "last";

export interface KnownType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * A value while a program runs: in the backend's memory, in ours, or both, in every layout that was
 * asked for. It owns its device tensors.
 */
export class Held {
  readonly dtype: DType;
  readonly shape: readonly number[];
  #host: Tensor | undefined;
  readonly #device = new Map<string, tf.Tensor>();

  private constructor({ dtype, shape }: KnownType, host: Tensor | undefined) {
    this.dtype = dtype;
    this.shape = shape;
    this.#host = host;
  }

  static ofHost(tensor: Tensor): Held {
    return new Held(tensor, tensor);
  }

  static ofDevice(type: KnownType, layout: Layout, tensor: tf.Tensor): Held {
    const held = new Held(type, undefined);
    held.#device.set(layout, tf.keep(tensor));
    return held;
  }

  /** Whether it is at hand in channels-last layout and in no other. */
  get onlyLast(): boolean {
    return this.#device.has("last") && !this.#device.has("plain") && this.#host === undefined;
  }

  /** On the device, in row-major order. */
  plain(): tf.Tensor {
    return this.derived("plain", () =>
      this.onlyLast ? channelsSecond(this.last()) : upload(this.host()),
    );
  }

  /** On the device, axis 1 last. */
  last(): tf.Tensor {
    return this.derived("last", () => channelsLast(this.plain()));
  }

  /** A device tensor made from this one, kept as long as it: packed kernels of constants are made once. */
  derived(key: string, make: () => tf.Tensor): tf.Tensor {
    const found = this.#device.get(key);
    if (found !== undefined) return found;
    const made = tf.keep(tf.tidy(make));
    this.#device.set(key, made);
    return made;
  }

  host(): Tensor {
    this.#host ??= download(this.dtype, this.shape, this.plain());
    return this.#host;
  }

  dispose(): void {
    for (const tensor of this.#device.values()) tensor.dispose();
    this.#device.clear();
  }
}

export function channelsLast(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, ...range(2, x.rank), 1]);
}

export function channelsSecond(x: tf.Tensor): tf.Tensor {
  return tf.transpose(x, [0, x.rank - 1, ...range(1, x.rank - 1)]);
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** 64-bit integers go as 32-bit ones: only kernels that take them as indices ask for them here. */
function upload({ dtype, shape, data }: Tensor): tf.Tensor {
  const dims = [...shape];
  switch (dtype) {
    case "float32":
      return tf.tensor(data instanceof Float32Array ? data : Float32Array.from(data), dims);
    case "bool":
      return tf.tensor(data instanceof Uint8Array ? data : Uint8Array.from(data), dims, "bool");
    case "int32":
    case "int64":
      if (data.some((v) => v !== (v | 0))) throw new Error("an index is beyond 32 bits");
      return tf.tensor(Int32Array.from(data), dims, "int32");
    default:
      throw new Error(`TensorFlow.js has no ${dtype}`);
  }
}

function download(dtype: DType, shape: readonly number[], x: tf.Tensor): Tensor {
  return typed({ dtype, shape }, size(shape) === 0 ? [] : x.dataSync());
}
