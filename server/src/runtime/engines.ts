import type { Runtime } from "#core/runtime/runtime.ts";

export const ENGINES = ["onnxruntime"] as const;
export type Engine = (typeof ENGINES)[number];

/** The runtime of a name. Its native code is loaded here and not before: only compute processes ask. */
export async function engine(_name: Engine): Promise<Runtime> {
  return (await import("./onnxRuntime.ts")).onnxRuntime;
}
