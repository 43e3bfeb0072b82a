/** Element types of ONNX that no graph is made of, by their code in TensorProto: what is refused is named. */
export const OTHER_TYPES: Readonly<Record<number, string>> = {
  0: "none",
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
};
