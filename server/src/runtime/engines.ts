import type { Runtime } from "#core/runtime/runtime.ts";

export const ENGINES = ["onnxruntime", "tfjs"] as const;
export type Engine = (typeof ENGINES)[number];

/** For people: "onnxruntime", "tfjs (wasm)". */
export const engineName = ({ name, backend }: Runtime): string =>
  backend === undefined ? name : `${name} (${backend})`;

/** The runtime of a name. Its code is loaded here and not before: only compute processes ask. */
export async function engine(name: Engine): Promise<Runtime> {
  switch (name) {
    case "onnxruntime":
      return (await import("./onnxRuntime.ts")).onnxRuntime;
    case "tfjs":
      return (await import("./tfjs.ts")).tfjs();
  }
}
