import type { Runtime } from "#core/runtime/runtime.ts";
import { onnxRuntime } from "./onnxRuntime.ts";

export const ENGINES = ["onnxruntime"] as const;
export type Engine = (typeof ENGINES)[number];

/** The runtime of a name; only compute processes call this. */
export const engine = (_name: Engine): Runtime => onnxRuntime;
