import { constantOf, type Graph, topological } from "../ir/graph.ts";
import type { Data, Tensor, Type } from "../ir/tensor.ts";

const loaders = new WeakMap<Tensor, () => Promise<void>>();

/** A tensor whose data are read when `loadWeights` asks for them; before that, using them is a bug. */
export function lazyTensor(
  type: { readonly dtype: Type["dtype"]; readonly shape: readonly number[] },
  read: () => Promise<Data>,
): Tensor {
  let data: Data | undefined;
  let reading: Promise<void> | undefined;
  const tensor: Tensor = {
    dtype: type.dtype,
    shape: type.shape,
    get data() {
      if (data === undefined)
        throw new Error("the weights are not in memory: await loadWeights(graph) first");
      return data;
    },
  };
  const load = async () => {
    data = await read();
    loaders.delete(tensor);
  };
  loaders.set(tensor, () => {
    // A failed reading may be tried again.
    reading ??= load().finally(() => {
      reading = undefined;
    });
    return reading;
  });
  return tensor;
}

/** Whether its data can be used without `loadTensor`. */
export const inMemory = (tensor: Tensor): boolean => !loaders.has(tensor);

export const loadTensor = async (tensor: Tensor): Promise<void> => loaders.get(tensor)?.();

/**
 * Reads the weights that a graph needs into memory; also for graphs made from a model's, which share
 * its tensors. Rejects with ProblemError if the file cannot be read any more.
 * @param between called between tensors: what it throws ends the reading
 */
export async function loadWeights(
  { outputs, inputs }: Graph,
  between: () => void = () => undefined,
): Promise<void> {
  for (const node of topological([...outputs, ...inputs])) {
    const tensor = constantOf(node.outputs[0]);
    if (tensor === undefined || inMemory(tensor)) continue;
    between();
    await loadTensor(tensor);
  }
}
