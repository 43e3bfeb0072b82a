import { optimise } from "#core/compile/optimise.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { chooseBackend } from "./tfjs/backend.ts";
import { program } from "./tfjs/program.ts";

/**
 * TensorFlow.js on its fastest backend that is installed. It runs Kaibo's graphs; its own automatic
 * differentiation is not used. `run` blocks the thread, as ONNX Runtime's does.
 */
export async function tfjs(): Promise<Runtime> {
  const { name, note } = await chooseBackend();
  return {
    name: "tfjs",
    backend: note === undefined ? name : `${name} (${note})`,
    compile: async (graph) => program(optimise(graph), name),
  };
}
