import type { Pieces } from "#core/formats/onnx/pieces.ts";
import {
  domainOf,
  fileOf,
  floatAttr,
  floatsAttr,
  info,
  intAttr,
  intsAttr,
  nodeOf,
  stringAttr,
} from "../core/formats/support.ts";

import { bytes, int32s, type OwnModel, scalarFloat, weights, zero } from "./ownModels.ts";

const ms = (
  type: string,
  inputs: readonly string[],
  attributes: readonly Pieces[] = [],
  outputs: readonly string[] = ["y"],
): Pieces => nodeOf(type, inputs, outputs, attributes, { domain: "com.microsoft", name: "it" });

/** A file with input x, output y and one operator of ONNX Runtime's. */
function contrib(
  title: string,
  x: readonly number[],
  node: Pieces,
  tensors: readonly Pieces[] = [],
  more: { before?: Pieces[]; after?: Pieces[]; step?: number; opset?: number } = {},
): OwnModel {
  return {
    title,
    ...(more.step === undefined ? {} : { step: more.step }),
    bytes: fileOf({
      opset: more.opset ?? 17,
      nodes: [...(more.before ?? []), node, ...(more.after ?? [])],
      tensors,
      inputs: [info("x", x)],
      outputs: [info("y", [])],
      inModel: domainOf("com.microsoft"),
    }),
  };
}

/** x → integers before an operator on them, and back behind it. */
const quantise = nodeOf("QuantizeLinear", ["x", "xs", "xz"], ["xq"]);
const dequantise = nodeOf("DequantizeLinear", ["yq", "ys", "yz"], ["y"]);
const scales = [
  scalarFloat("xs", 0.05),
  zero("xz", 120),
  scalarFloat("ys", 0.04),
  zero("yz", 128),
  scalarFloat("bs", 0.03),
  zero("bz", 131),
];
const quantised = (title: string, x: number[], node: Pieces, tensors: Pieces[] = []): OwnModel =>
  contrib(title, x, node, [...scales, ...tensors], {
    before: [quantise],
    after: [dequantise],
    step: 0.04,
  });

const attentionWeights = [weights("w", 8, 24), weights("b", 24)];

export const contribModels: readonly OwnModel[] = [
  contrib("Gelu", [2, 3], ms("Gelu", ["x"])),
  contrib("FastGelu with bias", [2, 3], ms("FastGelu", ["x", "b"]), [weights("b", 3)]),
  contrib("FastGelu", [2, 3], ms("FastGelu", ["x"])),
  contrib("QuickGelu", [2, 3], ms("QuickGelu", ["x"], [floatAttr("alpha", 1.5)])),
  contrib("BiasGelu", [2, 3], ms("BiasGelu", ["x", "b"]), [weights("b", 3)]),
  contrib(
    "FusedConv with Relu",
    [2, 3, 5, 5],
    ms(
      "FusedConv",
      ["x", "w", "b"],
      [stringAttr("activation", "Relu"), intsAttr("pads", [1, 1, 1, 1])],
    ),
    [weights("w", 4, 3, 3, 3), weights("b", 4)],
  ),
  contrib(
    "FusedConv with Clip",
    [2, 3, 5, 5],
    ms(
      "FusedConv",
      ["x", "w", "b"],
      [stringAttr("activation", "Clip"), floatsAttr("activation_params", [-0.5, 1.5])],
    ),
    [weights("w", 4, 3, 3, 3), weights("b", 4)],
  ),
  contrib(
    "FusedConv with a sum",
    [2, 3, 5, 5],
    ms("FusedConv", ["x", "w", "b", "z"], [stringAttr("activation", "Relu")]),
    [weights("w", 4, 3, 3, 3), weights("b", 4), weights("z", 2, 4, 3, 3)],
  ),
  contrib(
    "FusedGemm",
    [2, 3],
    ms(
      "FusedGemm",
      ["x", "w", "b"],
      [
        stringAttr("activation", "LeakyRelu"),
        floatAttr("activation_alpha", 0.3),
        floatAttr("alpha", 0.5),
        intAttr("transB", 1),
      ],
    ),
    [weights("w", 4, 3), weights("b", 4)],
  ),
  contrib(
    "FusedMatMul",
    [2, 4, 3],
    ms(
      "FusedMatMul",
      ["x", "w"],
      [intAttr("transA", 1), intAttr("transB", 1), floatAttr("alpha", 0.7)],
    ),
    [weights("w", 5, 4)],
  ),
  contrib(
    "SkipLayerNormalization",
    [2, 4, 6],
    ms("SkipLayerNormalization", ["x", "s", "g", "b", "c"], [floatAttr("epsilon", 1e-5)]),
    [weights("s", 2, 4, 6), weights("g", 6), weights("b", 6), weights("c", 6)],
  ),
  contrib(
    "SkipLayerNormalization, its sum",
    [2, 4, 6],
    ms("SkipLayerNormalization", ["x", "s", "g", "b"], [], ["n", "", "", "t"]),
    [weights("s", 2, 4, 6), weights("g", 6), weights("b", 6)],
    { after: [nodeOf("Mul", ["n", "t"], ["y"])] },
  ),
  contrib(
    "SkipSimplifiedLayerNormalization",
    [2, 4, 6],
    ms("SkipSimplifiedLayerNormalization", ["x", "s", "g"], [floatAttr("epsilon", 1e-5)]),
    [weights("s", 2, 4, 6), weights("g", 6)],
  ),
  contrib(
    "SimplifiedLayerNormalization",
    [2, 4, 6],
    nodeOf("SimplifiedLayerNormalization", ["x", "g"], ["y"], [floatAttr("epsilon", 1e-5)]),
    [weights("g", 6)],
  ),
  contrib(
    "LayerNormalization before opset 17",
    [2, 4, 6],
    nodeOf("LayerNormalization", ["x", "g", "b"], ["y"], [intAttr("axis", -1)]),
    [weights("g", 6), weights("b", 6)],
    { opset: 14 },
  ),
  contrib(
    "EmbedLayerNormalization",
    [1],
    ms(
      "EmbedLayerNormalization",
      ["ids", "types", "words", "places", "kinds", "g", "b", "mask"],
      [floatAttr("epsilon", 1e-5)],
      ["e", "lengths"],
    ),
    [
      int32s("ids", [2, 4], [1, 2, 3, 0, 4, 4, 1, 0]),
      int32s("types", [2, 4], [0, 0, 1, 1, 0, 1, 1, 1]),
      int32s("mask", [2, 4], [1, 1, 1, 0, 1, 1, 0, 0]),
      weights("words", 5, 6),
      weights("places", 8, 6),
      weights("kinds", 2, 6),
      weights("g", 6),
      weights("b", 6),
    ],
    {
      after: [
        nodeOf("Cast", ["lengths"], ["l"], [intAttr("to", 1)]),
        nodeOf("Unsqueeze", ["l", "axes"], ["l3"]),
        nodeOf("Mul", ["e", "x"], ["e1"]),
        nodeOf("Mul", ["e1", "l3"], ["y"]),
        nodeOf("Constant", [], ["axes"], [intsAttr("value_ints", [1, 2])]),
      ],
    },
  ),
  contrib(
    "Attention",
    [2, 5, 8],
    ms("Attention", ["x", "w", "b"], [intAttr("num_heads", 2)]),
    attentionWeights,
  ),
  contrib(
    "Attention with a mask",
    [2, 5, 8],
    ms("Attention", ["x", "w", "b", "m"], [intAttr("num_heads", 2)]),
    [...attentionWeights, int32s("m", [2, 5], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1])],
  ),
  contrib(
    "Attention with lengths",
    [2, 5, 8],
    ms("Attention", ["x", "w", "b", "m"], [intAttr("num_heads", 4)]),
    [...attentionWeights, int32s("m", [2], [3, 5])],
  ),
  contrib(
    "Attention to what is before",
    [2, 5, 8],
    ms("Attention", ["x", "w", "b"], [intAttr("num_heads", 2), intAttr("unidirectional", 1)]),
    attentionWeights,
  ),
  contrib(
    "Attention with other sizes",
    [2, 5, 8],
    ms(
      "Attention",
      ["x", "w", "b"],
      [intAttr("num_heads", 2), intsAttr("qkv_hidden_sizes", [4, 4, 6])],
    ),
    [weights("w", 8, 14), weights("b", 14)],
  ),
  contrib(
    "MultiHeadAttention",
    [2, 5, 8],
    ms(
      "MultiHeadAttention",
      ["x", "k", "v", "b"],
      [intAttr("num_heads", 2), floatAttr("scale", 0.4)],
    ),
    [weights("k", 2, 3, 8), weights("v", 2, 3, 6), weights("b", 22)],
  ),
  contrib(
    "MultiHeadAttention with a mask",
    [2, 5, 8],
    ms("MultiHeadAttention", ["x", "k", "v", "", "m"], [intAttr("num_heads", 2)]),
    [weights("k", 2, 3, 8), weights("v", 2, 3, 8), int32s("m", [2, 3], [1, 1, 0, 1, 1, 1])],
  ),
  quantised(
    "QLinearAdd",
    [2, 3],
    ms("QLinearAdd", ["xq", "xs", "xz", "b", "bs", "bz", "ys", "yz"], [], ["yq"]),
    [bytes("b", [2, 3], [100, 140, 160, 90, 131, 200])],
  ),
  quantised(
    "QLinearMul",
    [2, 3],
    ms("QLinearMul", ["xq", "xs", "xz", "b", "bs", "bz", "ys", "yz"], [], ["yq"]),
    [bytes("b", [2, 3], [100, 140, 160, 90, 131, 200])],
  ),
  quantised(
    "QLinearSigmoid",
    [2, 3],
    ms("QLinearSigmoid", ["xq", "xs", "xz", "ys", "yz"], [], ["yq"]),
  ),
  quantised(
    "QLinearLeakyRelu",
    [2, 3],
    ms("QLinearLeakyRelu", ["xq", "xs", "xz", "ys", "yz"], [floatAttr("alpha", 0.2)], ["yq"]),
  ),
  quantised(
    "QLinearGlobalAveragePool",
    [2, 3, 4, 4],
    ms("QLinearGlobalAveragePool", ["xq", "xs", "xz", "ys", "yz"], [], ["yq"]),
  ),
  quantised(
    "QLinearAveragePool",
    [2, 3, 4, 4],
    ms(
      "QLinearAveragePool",
      ["xq", "xs", "xz", "ys", "yz"],
      [intsAttr("kernel_shape", [2, 2]), intsAttr("strides", [2, 2])],
      ["yq"],
    ),
  ),
  quantised(
    "QLinearConcat",
    [2, 3],
    ms(
      "QLinearConcat",
      ["ys", "yz", "xq", "xs", "xz", "b", "bs", "bz"],
      [intAttr("axis", 1)],
      ["yq"],
    ),
    [bytes("b", [2, 2], [100, 140, 160, 90])],
  ),
  quantised(
    "QLinearSoftmax",
    [2, 3],
    ms(
      "QLinearSoftmax",
      ["xq", "xs", "xz", "ys", "yz"],
      [intAttr("axis", -1), intAttr("opset", 13)],
      ["yq"],
    ),
  ),
  quantised(
    "QGemm",
    [2, 3],
    ms(
      "QGemm",
      ["xq", "xs", "xz", "b", "bs", "bz", "c", "ys", "yz"],
      [intAttr("transB", 1)],
      ["yq"],
    ),
    [
      bytes("b", [4, 3], [100, 140, 160, 90, 131, 200, 120, 129, 80, 110, 150, 170]),
      int32s("c", [4], [300, -200, 0, 40]),
    ],
  ),
  contrib(
    "DynamicQuantizeMatMul",
    [2, 3],
    ms("DynamicQuantizeMatMul", ["x", "b", "bs", "bz", "c"]),
    [
      // Not int8: ONNX Runtime's products of uint8 and int8 saturate on some processors.
      bytes("b", [3, 2], [200, 60, 160, 190, 69, 120]),
      scalarFloat("bs", 0.02),
      zero("bz", 103),
      weights("c", 2),
    ],
    { step: 0.02 },
  ),
];
