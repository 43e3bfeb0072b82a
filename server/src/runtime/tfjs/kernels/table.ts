import type { Kernels } from "../kernel.ts";
import { activationKernels } from "./activations.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { matrixKernels } from "./matrices.ts";
import { movementKernels } from "./movement.ts";
import { normalisationKernels } from "./normalisations.ts";
import { reductionKernels } from "./reductions.ts";
import { windowKernels } from "./windows.ts";

/** By ONNX operator type. Operators that are not here are evaluated by their own definition. */
export const kernels: Kernels = {
  ...activationKernels,
  ...elementwiseKernels,
  ...matrixKernels,
  ...movementKernels,
  ...normalisationKernels,
  ...reductionKernels,
  ...windowKernels,
};
