import { topological } from "../../ir/graph.ts";
import type { Dim } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import { type Edit, isSetting, ofTensor, type TensorEdit } from "../edits.ts";
import { Wanted } from "./arguments.ts";
import type { Built } from "./build.ts";
import { wantSource } from "./computedLists.ts";
import { placeOf } from "./order.ts";
import { concat, varint } from "./pieces.ts";
import type { Step } from "./program.ts";
import type { Parts } from "./read.ts";
import type { AttributeProto } from "./schema.ts";
import type { Patch } from "./splice.ts";
import { STATES } from "./states.ts";
import { fieldsIn, type Window } from "./wire.ts";

/** What newer opsets have as inputs, and the graph has as attributes. */
const INPUTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ConstantOfShape: { shape: 0 },
  Expand: { shape: 1 },
  Pad: { pads: 1 },
  Split: { split: 1 },
  Slice: { starts: 1, ends: 2 },
};

export interface Settled {
  /** With those of stored lists that the settings come to. */
  readonly edits: readonly TensorEdit[];
  /** Lists that a node reads for itself from now on. */
  readonly wanted: Wanted;
  /** Inputs that are left out from now on. */
  readonly blank: readonly { readonly step: Step; readonly input: number }[];
  /** The file's parts with the new attributes, and without what is left out. */
  readonly parts: Parts;
  patches(window: Window, copying: readonly Step[]): Promise<readonly Patch[]>;
}

interface Change {
  readonly step: Step;
  readonly attribute: AttributeProto;
  readonly value: number | readonly number[];
}

/** Finds what settings change in the file: attributes, or the lists that nodes have in their place. */
export function settle(
  parts: Parts,
  { model, targets, arguments: read }: Built,
  all: readonly Edit[],
  file: string,
): Settled {
  const nodes = topological(model.graph.outputs);
  const wanted = new Wanted();
  const blank: { step: Step; input: number }[] = [];
  const changes: Change[] = [];
  for (const { node: place, attribute: name, value } of all.filter(isSetting)) {
    const node = nodes.at(place);
    const origin = node && model.origins.get(node);
    const step = parts.steps.find((s) => s.index === origin?.index && s.name === origin.name);
    const at = step === undefined ? `node ${node?.name ?? place}` : placeOf(step);
    const wrong = (why: string): never =>
      fail("cannot-write", `${name} would have to become ${value}: ${why}`, file, at);
    if (node === undefined || step === undefined) return wrong("there is no such node in the file");
    if (step.path === undefined) wrong("the node is in a function, which may be used elsewhere");
    const attribute = step.proto.attributes.find((a) => a.name === name);
    if (attribute !== undefined && (typeof value === "number" || isNumbers(value))) {
      const before = typeof value === "number" ? attribute.i : attribute.ints;
      if (String(before) !== String(node.attrs[name])) wrong("the file tells it in another way");
      changes.push({ step, attribute, value });
      if (name === "hidden_size")
        for (const input of STATES[step.proto.type] ?? [])
          if (node.inputs[input] === undefined && step.proto.inputs[input])
            blank.push({ step, input });
      continue;
    }
    const input = INPUTS[step.proto.type]?.[name];
    if (input === undefined || typeof value === "number" || !step.proto.inputs[input])
      return wrong("the file leaves it out");
    wanted.set(step.index, input, value);
  }
  const edits = all.filter(ofTensor).filter((edit) => {
    const node = "replace" in edit ? targets.nodeOf(edit.tensor) : undefined;
    if (node !== undefined && "replace" in edit) wanted.set(node, 1, edit.replace);
    return node === undefined;
  });
  for (const { node, input, list } of [...wanted.all()])
    wantSource(parts, read, wanted, { node, input, list });
  return {
    edits: [...edits, ...sharedLists(parts, wanted, (name) => targets.uses(name))],
    wanted,
    blank,
    parts: changes.length === 0 ? parts : withChanges(parts, changes, blank),
    patches: async (window, copying) => {
      const patches: Patch[] = [];
      for (const change of [...changes, ...copying.map(copies)])
        patches.push(...(await patchesOf(window, change)));
      return patches;
    },
  };
}

const isNumbers = (list: readonly Dim[]): list is readonly number[] =>
  list.every((d) => typeof d === "number");

const copies = (step: Step): Change => ({
  step,
  attribute: step.proto.attributes.find((a) => a.name === "allowzero")!,
  value: 0,
});

/** A stored list is changed where it stands if all that read it want the same of it. */
function sharedLists(
  { steps, stores }: Parts,
  wanted: Wanted,
  uses: (name: string) => number,
): readonly TensorEdit[] {
  const byIndex = new Map(steps.flatMap((s) => (s.path === undefined ? [] : [[s.index, s]])));
  const readers = new Map<string, { node: number; input: number; list: readonly Dim[] }[]>();
  for (const one of wanted.all()) {
    const name = byIndex.get(one.node)!.proto.inputs[one.input];
    if (stores.get(name)?.spot === undefined || !isNumbers(one.list)) continue;
    readers.set(name, [...(readers.get(name) ?? []), one]);
  }
  return [...readers].flatMap(([tensor, own]) => {
    const [{ list }] = own;
    if (uses(tensor) !== own.length || own.some((o) => String(o.list) !== String(list))) return [];
    for (const { node, input } of own) wanted.remove(node, input);
    return [{ tensor, replace: list as readonly number[] }];
  });
}

function withChanges(parts: Parts, changes: readonly Change[], blank: Settled["blank"]): Parts {
  const values = new Map(changes.map(({ attribute, value }) => [attribute, value]));
  const touched = new Set(changes.map((c) => c.step));
  const changed = (attribute: AttributeProto): AttributeProto => {
    const value = values.get(attribute);
    if (value === undefined) return attribute;
    return typeof value === "number"
      ? { ...attribute, i: value }
      : { ...attribute, ints: [...value] };
  };
  const steps = parts.steps.map((step) => {
    if (!touched.has(step)) return step;
    const inputs = step.proto.inputs.map((name, i) =>
      blank.some((b) => b.step === step && b.input === i) ? "" : name,
    );
    const attributes = step.proto.attributes.map(changed);
    return { ...step, proto: { ...step.proto, inputs, attributes } };
  });
  return { ...parts, steps };
}

const INT = 3;
const INTS = 8;

/** New numbers in the AttributeProto; its other fields stay. */
async function patchesOf(window: Window, { step, attribute, value }: Change): Promise<Patch[]> {
  const path = [...(step.path ?? []), step.proto.at, attribute.at];
  const [field, numbers] = typeof value === "number" ? [INT, [value]] : [INTS, value];
  const content = [concat(numbers.map((n) => varint(field, n)))];
  const { end } = attribute.at;
  const patches: Patch[] = [];
  for await (const old of fieldsIn(window, attribute.at))
    if (old.number === field) patches.push({ path, start: old.head, end: old.end, content: [] });
  return [...patches, { path, start: end, end, content }];
}
