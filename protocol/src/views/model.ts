/** A model file's structure as plain data: what the listing and `kaibo inspect` show. */
export interface ModelView {
  /** File name. */
  readonly name: string;
  /** "onnx, opset 17". */
  readonly format: string;
  readonly parameters: number;
  /** Multiply–accumulates for one sample; absent when shapes are open. */
  readonly macs?: number;
  readonly inputs: readonly ValueView[];
  readonly outputs: readonly ValueView[];
  readonly layers: readonly LayerView[];
  /** Facts that need saying about the file, one line each ("unsupported operator Foo at node bar"). */
  readonly problems: readonly string[];
}

export interface ValueView {
  readonly name: string;
  readonly dtype: string;
  /** Numbers, or names of open dimensions. */
  readonly shape: readonly (number | string)[];
}

export interface LayerView {
  readonly name: string;
  /** ONNX operator type. */
  readonly op: string;
  /** "Conv 3x3  1 -> 32  Relu". */
  readonly summary: string;
  readonly units: number;
  readonly parameters: number;
  /** The units are the model's outputs: never pruned. */
  readonly output: boolean;
  /** Why units of this layer cannot be pruned, with the place; absent when they can. */
  readonly fixed?: string;
}
