import { defined } from "../../defined.ts";
import { type Cutting, type Edit, isSetting, type Setting } from "../../formats/edits.ts";
import { constantOf, type Graph, type Node } from "../../ir/graph.ts";
import { Structure } from "../coupling/structure.ts";
import type { PrunePlan } from "../plan.ts";
import type {
  PlanFile,
  PlannedAttribute,
  PlannedCut,
  PlannedModel,
  PlannedShape,
} from "./planFile.ts";

export interface TwinCuts {
  /** The twin's tensors. */
  readonly graph: Graph;
  readonly cuts: readonly Cutting[];
}

/**
 * A plan as data that others can read. Its tensors are those of the twin where there is one (under the names
 * of a state_dict), else those of the model file.
 */
export function planFileOf(
  graph: Graph,
  model: PlannedModel,
  plan: Pick<PrunePlan, "removed" | "edits">,
  twin?: TwinCuts,
): PlanFile {
  const structure = Structure.of(graph);
  const tensors =
    twin === undefined
      ? cutsOf(plan.edits.filter(isCutting), (name) => structure.stored.get(name)?.[0]?.shape)
      : cutsOf(twin.cuts, shapesIn(twin.graph));
  const shapes = plan.edits.flatMap((e): PlannedShape[] =>
    "replace" in e
      ? [{ tensor: e.tensor, before: numbersOf(structure, e.tensor), after: e.replace }]
      : [],
  );
  const rewritten = plan.edits.flatMap((e) => ("write" in e ? [e.tensor] : []));
  const nodes = [...structure.places.keys()];
  const attributes = plan.edits
    .filter(isSetting)
    .map(({ node, attribute, value }) => attributeOf(structure, nodes[node], attribute, value));
  return {
    version: 1,
    model,
    units: plan.removed.map(({ layer, units }) => {
      const found = structure.layers.get(layer);
      return { layer, units, ...(found === undefined ? {} : { of: found.units }) };
    }),
    tensors,
    ...(shapes.length === 0 ? {} : { shapes }),
    ...(rewritten.length === 0 ? {} : { rewritten }),
    ...(attributes.length === 0 ? {} : { attributes }),
  };
}

const isCutting = (edit: Edit): edit is Cutting => "remove" in edit;

const cutsOf = (
  cuts: readonly Cutting[],
  shapeOf: (tensor: string) => readonly (number | string)[] | undefined,
): readonly PlannedCut[] =>
  cuts.map(({ tensor, axis, remove }) => {
    const shape = shapeOf(tensor);
    return { tensor, axis, remove, ...(shape === undefined ? {} : { shape: shape.map(Number) }) };
  });

function shapesIn({
  outputs,
}: Graph): (tensor: string) => readonly (number | string)[] | undefined {
  const shapes = new Map(outputs.map((v) => [v.node.name, v.shape]));
  return (tensor) => shapes.get(tensor);
}

function numbersOf(structure: Structure, tensor: string): readonly number[] {
  const value = constantOf(structure.stored.get(tensor)?.[0]);
  return value === undefined ? [] : Array.from(value.data);
}

function attributeOf(
  { layerOf }: Structure,
  node: Node,
  attribute: string,
  value: Setting["value"],
): PlannedAttribute {
  const before = node.attrs[attribute] as Setting["value"] | undefined;
  const layer = layerOf.get(node.outputs[0])?.name;
  return {
    node: node.name,
    ...defined({ layer }),
    attribute,
    ...(before === undefined ? {} : { before: unnamed(before) }),
    after: unnamed(value),
  };
}

/** A length by name, which stays, is −1. */
const unnamed = (value: Setting["value"]): number | readonly number[] =>
  typeof value === "number" ? value : value.map((d) => (typeof d === "number" ? d : -1));

/** One entry on a line: short enough to be read, and to be compared line by line. */
export function planText(plan: PlanFile): string {
  const entries = Object.entries(plan).map(([key, value]) => {
    const list = Array.isArray(value) && value.length > 0;
    const text = list
      ? `[\n${value.map((v) => `    ${JSON.stringify(v)}`).join(",\n")}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${entries.join(",\n")}\n}\n`;
}
