import type { Converter } from "./call.ts";
import { arithmetic } from "./ops/arithmetic.ts";
import { convolution } from "./ops/convolution.ts";
import { creation } from "./ops/creation.ts";
import { elementwise } from "./ops/elementwise.ts";
import { matrices } from "./ops/matrices.ts";
import { normalization } from "./ops/normalization.ts";
import { pooling } from "./ops/pooling.ts";
import { reduction } from "./ops/reduction.ts";
import { sliceJoin } from "./ops/sliceJoin.ts";
import { transformation } from "./ops/transformation.ts";
import { shapeReaders } from "./sizes.ts";

const converters: ReadonlyMap<string, Converter> = new Map(
  [
    arithmetic,
    convolution,
    creation,
    elementwise,
    matrices,
    normalization,
    pooling,
    reduction,
    sliceJoin,
    transformation,
    shapeReaders,
  ].flatMap((group) => Object.entries(group)),
);

export const converterOf = (op: string): Converter | undefined => converters.get(op);

const CONTROL =
  /^(Stateless)?(While|If)$|^(Switch|Merge|Enter|Exit|NextIteration|LoopCond)$|^Tensor(List|Array)|TensorList/;

/** Why an operation is refused. */
export function refusal(op: string): string {
  if (CONTROL.test(op))
    return `operation ${op} is not supported: loops and branches of TensorFlow are not read`;
  return `operation ${op} is not supported`;
}
