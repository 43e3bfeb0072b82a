import { evaluate } from "#core/runtime/reference.ts";
import type { Runtime } from "#core/runtime/runtime.ts";

/** The reference evaluation as a runtime: slow, in float64, without native code. */
export const referenceRuntime: Runtime = {
  name: "reference",
  compile: async ({ inputs, outputs }) => ({
    run: async (tensors) => evaluate(outputs, new Map(inputs.map((v, i) => [v, tensors[i]!]))),
    release: async () => undefined,
  }),
};
