import { layersOf, typeOf } from "#core/explain/layers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { loadTensor } from "#core/formats/weights.ts";
import { constantOf } from "#core/ir/graph.ts";
import { size, type Tensor } from "#core/ir/tensor.ts";
import type { Kernel } from "#protocol/views/kernel.ts";
import { denseKernel } from "#webview/charts/kernel.ts";
import { openModel } from "../files/openModel.ts";

/** Picture data of the weights that lead into each unit of a layer. */
type LayerKernels = (unit: number) => Kernel | undefined;

/** The layers last looked at: hovering from unit to unit reads the file once. */
const recent = new Map<string, Promise<LayerKernels>>();
const KEPT = 4;

/** The weights that lead into one unit; undefined where they are not stored as such. */
export async function readKernel(
  path: string,
  revision: string,
  layer: string,
  unit: number,
): Promise<Kernel | undefined> {
  const key = JSON.stringify([path, revision, layer]);
  let kernels = recent.get(key);
  if (kernels === undefined) {
    kernels = readLayer(path, layer);
    recent.set(key, kernels);
    kernels.catch(() => recent.delete(key));
    for (const old of [...recent.keys()].slice(0, -KEPT)) recent.delete(old);
  }
  return (await kernels)(unit);
}

async function readLayer(path: string, name: string): Promise<LayerKernels> {
  const opened = await openModel(path);
  try {
    const graph = opened.model?.graph;
    const layer = graph && layersOf(graph).find((l) => l.name === name);
    const weights = constantOf(layer?.weights);
    if (graph === undefined || layer === undefined || weights === undefined) return () => undefined;
    await loadTensor(weights);
    const one = bindBatch(graph, 1);
    const input =
      one.kind === "bound" ? (one.graph.inputs[0]!.shape.slice(1) as number[]) : undefined;
    const type = typeOf(layer.node);
    if (type === "Conv") return (unit) => convKernel(weights, unit);
    // There is no picture of one unit of a recurrent layer, nor of transposed kernels.
    if (type !== "Gemm" && type !== "MatMul") return () => undefined;
    const byRows = (layer.node.attrs as { transB?: number }).transB === 1;
    return (unit) => denseKernel(column(weights, unit, byRows), input);
  } finally {
    await opened.close();
  }
}

function convKernel({ shape, data }: Tensor, unit: number): Kernel {
  const [, channels = 1, ...rest] = shape;
  const [height, width] = rest.length === 1 ? [1, rest[0]!] : [rest[0] ?? 1, size(rest.slice(1))];
  const each = channels * height * width;
  return {
    shape: [channels, height, width],
    weights: data.subarray(unit * each, (unit + 1) * each),
  };
}

/** The weights of one dense unit from [units, inputs] or [inputs, units]. */
function column({ shape, data }: Tensor, unit: number, byRows: boolean): ArrayLike<number> {
  const [rows = 1, columns = 1] = shape;
  if (byRows) return data.subarray(unit * columns, (unit + 1) * columns);
  return Float32Array.from({ length: rows }, (_, i) => data[i * columns + unit]!);
}
