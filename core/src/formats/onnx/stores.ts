import type { ByteSource } from "../../data/dataset.ts";
import { fail, type Problem, ProblemError, problem } from "../../problem.ts";
import { elementOf, rawBytes } from "./elements.ts";
import type { Locate } from "./external.ts";
import type { NamedTensor, Step } from "./program.ts";
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
  /** Absent inside functions and branches, which may be used several times. */
  readonly spot: Spot | undefined;
}

/** The stored values of a graph by name; undefined: there is one, but it cannot be read. */
export type Stores = ReadonlyMap<string, Store | undefined>;

/** Initialisers and Constant nodes. Each that cannot be read is a problem, not the end. */
export async function storesOf(
  source: ByteSource,
  graph: GraphProto,
  steps: readonly Step[],
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
  for (const { values } of graph.sparse)
    await add(values?.name ?? "", `initialiser ${values?.name ?? ""}`, () =>
      fail(
        "unreadable-model",
        "sparse tensors are not supported: store it as a dense one",
        source.name,
        `initialiser ${values?.name ?? ""}`,
      ),
    );
  const inside = async ({ name, proto }: NamedTensor) =>
    add(name, `initialiser ${name}`, async () => ({
      stored: await storedTensor(source, proto, name, locate),
      spot: undefined,
    }));
  const constants = async (list: readonly Step[]): Promise<void> => {
    for (const step of list) {
      if (isConstant(step.proto)) {
        const name = step.proto.outputs[0] ?? "";
        await add(name, `node ${step.proto.name || name}`, () =>
          constantStore(source, step, name, locate),
        );
      }
      for (const branch of step.branches ? [step.branches.whenTrue, step.branches.whenFalse] : []) {
        for (const tensor of branch.tensors) await inside(tensor);
        await constants(branch.steps);
      }
    }
  };
  await constants(steps);
  return { stores, problems };
}

export const isConstant = ({ type, domain }: NodeProto): boolean =>
  type === "Constant" && (domain === "" || domain === "ai.onnx");

async function constantStore(
  source: ByteSource,
  { proto: node, path: outer }: Step,
  name: string,
  locate: Locate,
): Promise<Store> {
  const [attribute, ...others] = node.attributes.filter((a) => a.name !== "");
  const path = outer && [...outer, node.at];
  if (attribute !== undefined && others.length === 0) {
    const tensor = attribute.t;
    if (attribute.name === "value" && tensor !== undefined)
      return {
        stored: await storedTensor(source, tensor, name, locate),
        spot: path && { path: [...path, attribute.at, tensor.at], tensor },
      };
    const stored = listed(attribute, name);
    if (stored !== undefined)
      return { stored, spot: path && { path: [...path, attribute.at], attribute } };
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
