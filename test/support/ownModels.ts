import type { Pieces } from "#core/formats/onnx/pieces.ts";
import { delimited } from "#core/formats/onnx/pieces.ts";
import { random } from "#core/random.ts";
import {
  bytesLE,
  domainOf,
  fileOf,
  floatAttr,
  floats,
  functionOf,
  graphAttr,
  info,
  int64s,
  intAttr,
  nodeOf,
  refAttr,
  tensorAttr,
  tensorOf,
} from "../core/formats/support.ts";

/** A model file that ONNX Runtime runs as it is, and that Kaibo reads by writing it with other operators. */
export interface OwnModel {
  readonly title: string;
  readonly bytes: Uint8Array;
  /** Floats that quantisation rounds may go to the next step. */
  readonly step?: number;
}

export const numbers = (count: number, seed: number): number[] => {
  const next = random(seed).normal;
  return Array.from({ length: count }, () => next());
};

export const weights = (name: string, ...shape: number[]): Pieces =>
  floats(
    name,
    shape,
    numbers(
      shape.reduce((a, b) => a * b, 1),
      name.length + 7 * shape.length,
    ),
  );

export const bytes = (name: string, dims: readonly number[], values: number[]): Pieces =>
  tensorOf(name, 2, dims, delimited(9, Uint8Array.from(values)));
export const int32s = (name: string, dims: readonly number[], values: number[]): Pieces =>
  tensorOf(name, 6, dims, delimited(9, bytesLE(Int32Array.from(values))));
export const scalarFloat = (name: string, value: number): Pieces => floats(name, [], [value]);
export const zero = (name: string, value: number): Pieces => bytes(name, [], [value]);

const local = (type: string, inputs: string[], outputs: string[], attributes: Pieces[] = []) =>
  nodeOf(type, inputs, outputs, attributes, { domain: "local", name: `${type.toLowerCase()}1` });

/** h = LeakyRelu(x·w + b) by a function that calls another. */
const dense = [
  functionOf({
    name: "Dense",
    inputs: ["x", "w", "b"],
    outputs: ["y"],
    attributes: ["slope"],
    nodes: [
      nodeOf("MatMul", ["x", "w"], ["m"], [], { name: "product" }),
      nodeOf("Add", ["m", "b"], ["s"]),
      local("Leaky", ["s"], ["y"], [refAttr("alpha", "slope", 1)]),
    ],
  }),
  functionOf({
    name: "Leaky",
    inputs: ["x"],
    outputs: ["y"],
    defaults: [floatAttr("alpha", 0.25)],
    nodes: [nodeOf("LeakyRelu", ["x"], ["y"], [refAttr("alpha", "alpha", 1)])],
  }),
].flat();

/** Counts the rows of x: an If on that has a constant condition once shapes are known. */
const condition = [
  nodeOf("Shape", ["x"], ["s"]),
  nodeOf("Gather", ["s", "one"], ["n"]),
  nodeOf("Equal", ["n", "three"], ["is"]),
];
const scalarInt = (name: string, value: number): Pieces =>
  tensorOf(name, 7, [], delimited(9, bytesLE(BigInt64Array.of(BigInt(value)))));

const branches = (thenName: string, elseName: string): Pieces[] => [
  graphAttr("then_branch", {
    nodes: [nodeOf("Mul", ["x", "two"], [thenName])],
    outputs: [thenName],
    tensors: [floats("two", [1], [2])],
  }),
  graphAttr("else_branch", {
    nodes: [nodeOf("Neg", ["x"], [elseName])],
    outputs: [elseName],
  }),
];

export const structuredModels: readonly OwnModel[] = [
  {
    title: "functions that call functions, with attributes by reference and by default",
    bytes: fileOf({
      opset: 21,
      ir: 10,
      nodes: [
        local("Dense", ["x", "w1", "b1"], ["h"], [floatAttr("slope", 0.1)]),
        nodeOf("Dense", ["h", "w2", "b2"], ["g"], [floatAttr("slope", 0.5)], {
          domain: "local",
          name: "dense2",
        }),
        local("Leaky", ["g"], ["y"]),
      ],
      tensors: [weights("w1", 3, 4), weights("b1", 4), weights("w2", 4, 2), weights("b2", 2)],
      inputs: [info("x", [2, 3])],
      outputs: [info("y", [2, 2])],
      inModel: [...domainOf("local"), ...dense],
    }),
  },
  ...[3, 4].map((columns) => ({
    title: `the branch of If that a shape decides (${columns} columns)`,
    bytes: fileOf({
      opset: 17,
      nodes: [...condition, nodeOf("If", ["is"], ["y"], branches("t", "e"), { name: "choice" })],
      tensors: [scalarInt("one", 1), scalarInt("three", 3)],
      inputs: [info("x", [2, columns])],
      outputs: [info("y", [2, columns])],
    }),
  })),
  {
    title: "an If inside an If inside a function",
    bytes: fileOf({
      opset: 17,
      ir: 10,
      nodes: [local("Choose", ["x"], ["y"])],
      inputs: [info("x", [2, 3])],
      outputs: [info("y", [2, 3])],
      inModel: [
        ...domainOf("local"),
        ...functionOf({
          name: "Choose",
          inputs: ["x"],
          outputs: ["y"],
          nodes: [
            nodeOf("Constant", [], ["one"], [intAttr("value_int", 1)]),
            nodeOf("Constant", [], ["three"], [intAttr("value_int", 3)]),
            ...condition,
            nodeOf(
              "If",
              ["is"],
              ["y"],
              [
                graphAttr("then_branch", {
                  nodes: [
                    nodeOf("Sigmoid", ["x"], ["v"]),
                    nodeOf(
                      "If",
                      ["is"],
                      ["w"],
                      [
                        graphAttr("then_branch", {
                          nodes: [nodeOf("Add", ["v", "x"], ["r"])],
                          outputs: ["r"],
                        }),
                        graphAttr("else_branch", {
                          nodes: [nodeOf("Sub", ["v", "x"], ["r"])],
                          outputs: ["r"],
                        }),
                      ],
                    ),
                  ],
                  outputs: ["w"],
                }),
                graphAttr("else_branch", { nodes: [nodeOf("Neg", ["x"], ["u"])], outputs: ["u"] }),
              ],
            ),
          ],
        }),
      ],
    }),
  },
  {
    title: "lengths computed with Shape, Gather, Concat, Cast, Div and Floor",
    bytes: fileOf({
      opset: 17,
      nodes: [
        nodeOf("Shape", ["x"], ["s"]),
        nodeOf("Gather", ["s", "zero"], ["n"]),
        nodeOf("Gather", ["s", "one"], ["c"]),
        nodeOf("Cast", ["c"], ["cf"], [intAttr("to", 1)]),
        nodeOf("Div", ["cf", "half"], ["h"]),
        nodeOf("Floor", ["h"], ["hf"]),
        nodeOf("Cast", ["hf"], ["hi"], [intAttr("to", 7)]),
        ...["n", "hi"].map((v) => nodeOf("Unsqueeze", [v, "axis0"], [`${v}1`])),
        nodeOf("Concat", ["n1", "hi1", "minus"], ["target"], [intAttr("axis", 0)]),
        nodeOf("Reshape", ["x", "target"], ["r"]),
        nodeOf(
          "ConstantOfShape",
          ["target1"],
          ["ones"],
          [tensorAttr("value", floats("", [1], [1.5]))],
        ),
        nodeOf("Concat", ["n1", "hi1", "one1"], ["target1"], [intAttr("axis", 0)]),
        nodeOf("Concat", ["r", "ones"], ["y"], [intAttr("axis", 2)]),
      ],
      tensors: [
        scalarInt("zero", 0),
        scalarInt("one", 1),
        floats("half", [], [2]),
        int64s("axis0", [0]),
        int64s("minus", [-1]),
        int64s("one1", [1]),
      ],
      inputs: [info("x", ["batch", 6, 2])],
      outputs: [info("y", ["batch", 3, 5])],
    }),
  },
];

const int8s = (name: string, dims: readonly number[], values: readonly number[]): Pieces =>
  tensorOf(name, 3, dims, delimited(9, bytesLE(Int8Array.from(values))));

const rounded = (from: string, to: string, scale: string, zero: string): Pieces[] => [
  nodeOf("QuantizeLinear", [from, scale, zero], [`${to}.q`]),
  nodeOf("DequantizeLinear", [`${to}.q`, scale, zero], [to]),
];

/** A convolution and a dense layer between quantised values, as ONNX Runtime's quantiser writes them. */
export const qdqModel: OwnModel = {
  title: "quantised weights and values",
  step: 0.08,
  bytes: fileOf({
    opset: 17,
    nodes: [
      ...rounded("x", "xd", "xs", "xz"),
      nodeOf("DequantizeLinear", ["conv.weight", "ws", "wz"], ["w"], [intAttr("axis", 0)]),
      nodeOf("DequantizeLinear", ["conv.bias", "bs", "bz"], ["b"], [intAttr("axis", 0)]),
      nodeOf("Conv", ["xd", "w", "b"], ["c"], [], { name: "/conv/Conv" }),
      nodeOf("Relu", ["c"], ["r"]),
      ...rounded("r", "rd", "rs", "rz"),
      nodeOf("Flatten", ["rd"], ["f"]),
      nodeOf("DequantizeLinear", ["fc.weight", "fs", "fz"], ["fw"]),
      nodeOf("Gemm", ["f", "fw"], ["g"], [intAttr("transB", 1)], { name: "/fc/Gemm" }),
      ...rounded("g", "y", "rs", "rz"),
    ],
    tensors: [
      int8s("conv.weight", [2, 1, 2, 2], [50, -20, 31, 7, -60, 12, 9, 44]),
      floats("ws", [2], [0.02, 0.03]),
      int8s("wz", [2], [0, 0]),
      int32s("conv.bias", [2], [200, -100]),
      floats("bs", [2], [0.001, 0.0015]),
      int32s("bz", [2], [0, 0]),
      int8s(
        "fc.weight",
        [3, 8],
        Array.from({ length: 24 }, (_, i) => ((i * 37) % 64) - 32),
      ),
      floats("fs", [1], [0.01]),
      tensorOf("fz", 3, [], delimited(9, Uint8Array.of(0))),
      scalarFloat("xs", 0.05),
      zero("xz", 120),
      scalarFloat("rs", 0.04),
      zero("rz", 100),
    ],
    inputs: [info("x", [2, 1, 3, 3])],
    outputs: [info("y", [])],
  }),
};
