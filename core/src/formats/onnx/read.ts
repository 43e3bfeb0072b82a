import type { ByteSource } from "../../data/dataset.ts";
import { isFloat, type Tensor } from "../../ir/tensor.ts";
import { type Limits, many, refuseOver, USUAL_LIMITS } from "../../limits.ts";
import { fail, type Problem, ProblemError, problem } from "../../problem.ts";
import type { Opened, Siblings } from "../format.ts";
import { loadTensor } from "../weights.ts";
import { build } from "./build.ts";
import { decode } from "./decode.ts";
import { externalFiles } from "./external.ts";
import { type Step, stepsOf } from "./program.ts";
import { type GraphProto, type ModelProto, modelSchema } from "./schema.ts";
import { byteSize, type Stored, tensorOf } from "./stored.ts";
import { type Stores, storesOf } from "./stores.ts";
import { Window } from "./wire.ts";

/** Tensors up to this size are in memory at once: among them are the shapes that inference needs. */
const EAGER = 4 * 1024;
/** Integers: tables of positions, from which more is computed while reading. */
const EAGER_INTEGERS = 64 * 1024;

export async function read(
  source: ByteSource,
  siblings: Siblings,
  limits: Limits = USUAL_LIMITS,
): Promise<Opened> {
  return settled(source, async () => {
    const parts = await readParts(source, siblings, limits);
    const tensors = await tensorsOf(parts.stores, (stored) => stored, source.name);
    const { model, problems } = build(parts, tensors, source.name);
    const all = [...parts.problems, ...problems];
    return { model: { ...model, partial: all.length > 0 }, problems: all };
  });
}

/** Any ProblemError, and a source that cannot be read, becomes the answer. */
export async function settled<T extends { readonly problems: readonly Problem[] }>(
  source: ByteSource,
  work: () => Promise<T>,
): Promise<T | { model: undefined; file: undefined; problems: readonly Problem[] }> {
  const nothing = (found: Problem) => ({ model: undefined, file: undefined, problems: [found] });
  try {
    return await work();
  } catch (error) {
    if (error instanceof ProblemError) return nothing(error.problem);
    const why = error instanceof Error ? error.message : String(error);
    return nothing(problem("unreadable-model", `the file cannot be read: ${why}`, source.name));
  }
}

export interface Parts {
  readonly proto: ModelProto & { graph: GraphProto };
  readonly steps: readonly Step[];
  readonly stores: Stores;
  /** Files with external data, by their paths. */
  readonly external: ReadonlyMap<string, ByteSource>;
  readonly problems: readonly Problem[];
}

/** The structure of the file and the places of its tensors. */
export async function readParts(
  source: ByteSource,
  siblings: Siblings,
  limits: Limits,
): Promise<Parts> {
  const whole = { number: 0, head: 0, start: 0, end: source.size };
  const decoding = { window: new Window(source), limits, messages: 0 };
  const proto = await decode(decoding, modelSchema, whole);
  const { graph } = proto;
  if (graph === undefined)
    return fail(
      "unreadable-model",
      "there is no graph in it: the file is empty, damaged or not ONNX",
      source.name,
      `byte ${source.size}`,
    );
  if (graph.nodes.length > limits.nodes) {
    const has = `the graph has ${many(graph.nodes.length)} nodes`;
    return refuseOver(limits, "nodes", has, source.name, `byte ${graph.at.head}`);
  }
  const steps = await stepsOf(decoding, { ...proto, graph });
  const { locate, opened } = externalFiles(siblings, source.name);
  const { stores, problems } = await storesOf(source, graph, steps, locate);
  return { proto: { ...proto, graph }, steps, stores, external: opened, problems };
}

/** The tensors, small ones read. */
export async function tensorsOf(
  stores: Stores,
  change: (stored: Stored) => Stored,
  file: string,
): Promise<ReadonlyMap<string, Tensor | undefined>> {
  const tensors = new Map<string, Tensor | undefined>();
  for (const [name, store] of stores) {
    const stored = store && change(store.stored);
    const tensor = stored && tensorOf(stored);
    tensors.set(name, tensor);
    if (stored === undefined || tensor === undefined) continue;
    if (byteSize(stored) <= (isFloat(tensor.dtype) ? EAGER : EAGER_INTEGERS))
      await loadTensor(tensor).catch((error: unknown) =>
        fail("unreadable-model", `it cannot be read: ${String(error)}`, file, `tensor ${name}`),
      );
  }
  return tensors;
}
