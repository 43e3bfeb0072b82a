import type { ByteSource } from "../../data/dataset.ts";
import { type Problem, ProblemError, problem } from "../../problem.ts";
import { elementOf, rawBytes } from "./elements.ts";
import type { Locate } from "./external.ts";
import type { AttributeProto, GraphProto, NodeProto, TensorProto } from "./schema.ts";
import { type Stored, storedTensor } from "./stored.ts";
import type { Range } from "./wire.ts";

/** Where a stored tensor stands in the file: in a TensorProto, or as the numbers of an attribute. */
export type Spot = { readonly path: readonly Range[] } & (
  | { readonly tensor: TensorProto }
  | { readonly attribute: AttributeProto }
);

export interface Store {
  readonly stored: Stored;
  readonly spot: Spot;
}

/** The stored values of a graph by name; undefined: there is one, but it cannot be read. */
export type Stores = ReadonlyMap<string, Store | undefined>;

/** Initialisers and Constant nodes. Each that cannot be read is a problem, not the end. */
export async function storesOf(
  source: ByteSource,
  graph: GraphProto,
  locate: Locate,
): Promise<{ stores: Stores; problems: readonly Problem[] }> {
  const stores = new Map<string, Store | undefined>();
  const problems: Problem[] = [];
  const add = async (name: string, place: string, read: () => Promise<Store>) => {
    if (stores.has(name)) {
      problems.push(
        problem(
          "unreadable-model",
          `the name "${name}" is given to two values`,
          source.name,
          place,
        ),
      );
      return;
    }
    try {
      stores.set(name, await read());
    } catch (error) {
      stores.set(name, undefined);
      if (error instanceof ProblemError) problems.push(error.problem);
      else throw error;
    }
  };
  for (const tensor of graph.initializers)
    await add(tensor.name, `initialiser ${tensor.name}`, async () => ({
      stored: await storedTensor(source, tensor, tensor.name, locate),
      spot: { path: [graph.at, tensor.at], tensor },
    }));
  for (const node of graph.nodes)
    if (isConstant(node)) {
      const name = node.outputs[0] ?? "";
      await add(name, `node ${node.name || name}`, () =>
        constantStore(source, graph, node, name, locate),
      );
    }
  return { stores, problems };
}

export const isConstant = ({ type, domain }: NodeProto): boolean =>
  type === "Constant" && (domain === "" || domain === "ai.onnx");

async function constantStore(
  source: ByteSource,
  graph: GraphProto,
  node: NodeProto,
  name: string,
  locate: Locate,
): Promise<Store> {
  const [attribute, ...others] = node.attributes.filter((a) => a.name !== "");
  const path = [graph.at, node.at];
  if (attribute !== undefined && others.length === 0) {
    const tensor = attribute.t;
    if (attribute.name === "value" && tensor !== undefined)
      return {
        stored: await storedTensor(source, tensor, name, locate),
        spot: { path: [...path, attribute.at, tensor.at], tensor },
      };
    const stored = listed(attribute, name);
    if (stored !== undefined) return { stored, spot: { path: [...path, attribute.at], attribute } };
  }
  const what = node.attributes.map((a) => a.name).join(", ") || "no attribute";
  throw new ProblemError(
    problem(
      "unsupported-operator",
      `Constant with ${what} is not supported`,
      source.name,
      `node ${node.name || name}`,
    ),
  );
}

/** value_int(s) and value_float(s). */
function listed(attribute: AttributeProto, name: string): Stored | undefined {
  const numbers = (code: number, shape: readonly number[], values: readonly number[]): Stored => ({
    name,
    element: elementOf(code)!,
    shape,
    bytes: async () =>
      code === 7
        ? rawBytes("int64", Float64Array.from(values))
        : rawBytes("float32", Float32Array.from(values)),
  });
  switch (attribute.name) {
    case "value_int":
      return numbers(7, [], [attribute.i]);
    case "value_ints":
      return numbers(7, [attribute.ints.length], attribute.ints);
    case "value_float":
      return numbers(1, [], [attribute.f]);
    case "value_floats":
      return numbers(1, [attribute.floats.length], attribute.floats);
    default:
      return undefined;
  }
}
