import * as ort from "onnxruntime-node";
import { encode } from "#core/compile/encode.ts";
import { optimise } from "#core/compile/optimise.ts";
import { type Graph, topological } from "#core/ir/graph.ts";
import { type DType, known, size, type Tensor } from "#core/ir/tensor.ts";
import type { CompileOptions, Program, Runtime } from "#core/runtime/runtime.ts";

/** ONNX Runtime on the CPU. `run` blocks the thread: only compute processes and the CLI's children call it. */
export const onnxRuntime: Runtime = {
  name: "onnxruntime",
  async compile(graph, options) {
    return session(optimise(graph), options ?? {});
  },
};

async function session(graph: Graph, options: CompileOptions): Promise<Program> {
  const { threads = 1 } = options;
  const inputNames = graph.inputs.map((_, i) => `i${i}`);
  const outputNames = graph.outputs.map((_, i) => `o${i}`);
  const session = await ort.InferenceSession.create(encode(graph, { inputNames, outputNames }), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    // Derivatives of confident samples are denormal, and those are very slow.
    extra: {
      session: { set_denormal_as_zero: "1" },
      optimization: { disable_specified_optimizers: poolsPadding(graph) ? "Pad_Fusion" : "" },
    },
    // Errors are thrown; only what ends the process is written to stderr.
    logSeverityLevel: 4,
  });
  // ONNX Runtime drops inputs that no node uses.
  const used = new Set(session.inputNames);
  const kept = options.reuse === true ? keptOutputs(graph) : undefined;
  const fetches = kept && Object.fromEntries(kept.map((t, i) => [outputNames[i]!, toOrt(t)]));
  return {
    async run(inputs) {
      const feeds: Record<string, ort.Tensor> = {};
      inputs.forEach((tensor, i) => {
        if (used.has(inputNames[i]!)) feeds[inputNames[i]!] = toOrt(tensor);
      });
      if (kept !== undefined && fetches !== undefined) {
        await session.run(feeds, fetches);
        return kept;
      }
      const results = await session.run(feeds);
      return outputNames.map((name) => fromOrt(results[name]!));
    },
    release: () => session.release(),
  };
}

/**
 * Whether a pool follows a Pad. ONNX Runtime would make one of them: MaxPool then passes over the zeros
 * of the padding, which count, and padding as wide as the kernel is refused.
 */
const poolsPadding = ({ outputs }: Graph): boolean =>
  topological(outputs).some(
    ({ operator, inputs: [x] }) =>
      typeof operator !== "string" &&
      /^(Max|Average)Pool$/.test(operator.type) &&
      typeof x?.node.operator === "function" &&
      x.node.operator.type === "Pad",
  );

/** Outputs that every run writes into; undefined for types that are converted. */
function keptOutputs(graph: Graph): Tensor[] | undefined {
  if (graph.outputs.some((o) => o.dtype !== "float32" && o.dtype !== "bool")) return undefined;
  return graph.outputs.map(({ dtype, shape: symbolic }) => {
    const shape = known(symbolic);
    const data = dtype === "bool" ? new Uint8Array(size(shape)) : new Float32Array(size(shape));
    native.set(data, new ort.Tensor(dtype as "float32", data as Float32Array, shape));
    return { dtype, shape, data };
  });
}

/** Tensors that came out of ONNX Runtime go back in without conversion. */
const native = new WeakMap<Tensor["data"], ort.Tensor>();

function toOrt({ dtype, shape, data }: Tensor): ort.Tensor {
  const kept = native.get(data);
  if (kept !== undefined) return kept;
  switch (dtype) {
    case "float32":
      return new ort.Tensor(data instanceof Float32Array ? data : Float32Array.from(data), shape);
    case "int64":
      return new ort.Tensor(
        "int64",
        BigInt64Array.from(data, (v) => BigInt(v)),
        shape,
      );
    case "bool":
      return new ort.Tensor("bool", Uint8Array.from(data), shape);
    case "float64":
      return new ort.Tensor(Float64Array.from(data), shape);
    case "string":
      throw new Error("string tensors are not run");
    default:
      return new ort.Tensor(dtype, data as Int32Array, shape);
  }
}

function fromOrt(result: ort.Tensor): Tensor {
  const dtype = result.type as DType;
  const shape = result.dims;
  if (result.data instanceof BigInt64Array || result.data instanceof BigUint64Array) {
    const data = Float64Array.from(result.data, Number);
    native.set(data, result);
    return { dtype, shape, data };
  }
  return { dtype, shape, data: result.data as Tensor["data"] };
}
