/**
 * What ONNX says of the operators: the oldest opset (from 7) whose meaning is that of opset 21 or is
 * brought to it by upgrade.ts, and the attributes of all opsets since, with their types as in
 * attributeTypes. From the operator schemas of ONNX 1.23.
 */
const table: Readonly<Record<string, readonly [oldest: number, attributes: string]>> = {
  Abs: [7, ""],
  Add: [7, ""],
  And: [7, ""],
  ArgMax: [7, "axis:i keepdims:i select_last_index:i"],
  AveragePool: [
    7,
    "auto_pad:s ceil_mode:i count_include_pad:i dilations:is kernel_shape:is pads:is strides:is",
  ],
  BatchNormalization: [7, "epsilon:f momentum:f spatial:i training_mode:i"],
  Cast: [7, "saturate:i to:i"],
  Ceil: [7, ""],
  Clip: [7, "max:f min:f"],
  Concat: [7, "axis:i"],
  Conv: [7, "auto_pad:s dilations:is group:i kernel_shape:is pads:is strides:is"],
  ConvTranspose: [
    7,
    "auto_pad:s dilations:is group:i kernel_shape:is output_padding:is output_shape:is pads:is strides:is",
  ],
  Cos: [7, ""],
  DepthToSpace: [7, "blocksize:i mode:s"],
  Div: [7, ""],
  Dropout: [7, "ratio:f seed:i"],
  Elu: [7, "alpha:f"],
  Equal: [7, ""],
  Erf: [9, ""],
  Exp: [7, ""],
  Expand: [8, ""],
  Flatten: [7, "axis:i"],
  Floor: [7, ""],
  Gather: [7, "axis:i"],
  Gelu: [20, "approximate:s"],
  Gemm: [7, "alpha:f beta:f transA:i transB:i"],
  GlobalAveragePool: [7, ""],
  GlobalMaxPool: [7, ""],
  Greater: [7, ""],
  GreaterOrEqual: [12, ""],
  HardSigmoid: [7, "alpha:f beta:f"],
  HardSwish: [14, ""],
  Identity: [7, ""],
  InstanceNormalization: [7, "epsilon:f"],
  LRN: [7, "alpha:f beta:f bias:f size:i"],
  LayerNormalization: [17, "axis:i epsilon:f stash_type:i"],
  LeakyRelu: [7, "alpha:f"],
  Less: [7, ""],
  LessOrEqual: [12, ""],
  Log: [7, ""],
  LogSoftmax: [7, "axis:i"],
  MatMul: [7, ""],
  Max: [8, ""],
  MaxPool: [
    7,
    "auto_pad:s ceil_mode:i dilations:is kernel_shape:is pads:is storage_order:i strides:is",
  ],
  Min: [8, ""],
  Mul: [7, ""],
  Neg: [7, ""],
  Not: [7, ""],
  Or: [7, ""],
  PRelu: [7, ""],
  Pad: [11, "mode:s"],
  Pow: [7, ""],
  Reciprocal: [7, ""],
  ReduceMax: [7, "axes:is keepdims:i noop_with_empty_axes:i"],
  ReduceMean: [7, "axes:is keepdims:i noop_with_empty_axes:i"],
  ReduceSum: [7, "axes:is keepdims:i noop_with_empty_axes:i"],
  Relu: [7, ""],
  Reshape: [7, "allowzero:i"],
  Selu: [7, "alpha:f gamma:f"],
  Sigmoid: [7, ""],
  Sign: [9, ""],
  Sin: [7, ""],
  Slice: [10, ""],
  Softmax: [7, "axis:i"],
  Softplus: [7, ""],
  Split: [13, "axis:i num_outputs:i"],
  SpaceToDepth: [7, "blocksize:i"],
  Sqrt: [7, ""],
  Squeeze: [7, "axes:is"],
  Sub: [7, ""],
  Sum: [8, ""],
  Tanh: [7, ""],
  Tile: [7, ""],
  Transpose: [7, "perm:is"],
  Unsqueeze: [7, "axes:is"],
  Where: [9, ""],
};

export interface OnnxOperator {
  readonly oldest: number;
  /** Attribute names and their types. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Older files have to be exported again. */
export const OLDEST_OPSET = 7;
/** The newest opset in which these operators were seen to mean the same as in 21. */
export const NEWEST_OPSET = 25;

const operators: ReadonlyMap<string, OnnxOperator> = new Map(
  Object.entries(table).map(([type, [oldest, list]]) => {
    const entries = list.split(" ").filter(Boolean);
    const attributes = new Map(entries.map((entry) => entry.split(":") as [string, string]));
    return [type, { oldest, attributes }];
  }),
);

export const onnxOperator = (type: string): OnnxOperator | undefined => operators.get(type);
