import * as ort from "onnxruntime-node";
import type { Data, DType, Tensor } from "#core/ir/tensor.ts";

/** A model file in ONNX Runtime as it is, without anything of ours in between. */
export class OnnxFile {
  readonly #session: ort.InferenceSession;
  readonly #names: readonly string[];

  private constructor(session: ort.InferenceSession, names: readonly string[]) {
    this.#session = session;
    this.#names = names;
  }

  /** @param names of the inputs, in the order in which `run` is given them */
  static async open(bytes: Uint8Array, names: readonly string[]): Promise<OnnxFile> {
    const session = await ort.InferenceSession.create(bytes, {
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
    });
    return new OnnxFile(session, names);
  }

  async run(inputs: readonly Tensor[]): Promise<readonly Tensor[]> {
    const feeds = Object.fromEntries(this.#names.map((name, i) => [name, fed(inputs[i]!)]));
    const results = await this.#session.run(feeds);
    return this.#session.outputNames.map((name) => {
      const { type, dims, data } = results[name]!;
      const numbers = data instanceof BigInt64Array ? Float64Array.from(data, Number) : data;
      return { dtype: type as DType, shape: dims, data: numbers as Data };
    });
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function fed({ dtype, shape, data }: Tensor): ort.Tensor {
  if (dtype === "int64")
    return new ort.Tensor("int64", BigInt64Array.from(data, BigInt as never), shape);
  return new ort.Tensor(dtype as "float32", data as Float32Array, shape);
}
