import { topological } from "../../ir/graph.ts";
import { fail } from "../../problem.ts";
import { type Edit, isSetting, ofTensor, type Setting, type TensorEdit } from "../edits.ts";
import type { Model } from "../model.ts";
import { placeOf } from "./order.ts";
import { concat, varint } from "./pieces.ts";
import type { Step } from "./program.ts";
import type { Parts } from "./read.ts";
import type { AttributeProto } from "./schema.ts";
import type { Patch } from "./splice.ts";
import { fieldsIn, type Window } from "./wire.ts";

/** What newer opsets have as inputs, and the graph has as attributes. */
const INPUTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Pad: { pads: 1 },
  Split: { split: 1 },
  Slice: { starts: 1, ends: 2 },
};

export interface Settled {
  /** With those of stored lists that the settings come to. */
  readonly edits: readonly TensorEdit[];
  /** The file's parts with the new attributes. */
  readonly parts: Parts;
  patches(window: Window): Promise<readonly Patch[]>;
}

interface Change {
  readonly step: Step;
  readonly attribute: AttributeProto;
  readonly value: Setting["value"];
}

/** Finds what settings change in the file: attributes, or the lists that are stored in their place. */
export function settle(parts: Parts, model: Model, all: readonly Edit[], file: string): Settled {
  const nodes = topological(model.graph.outputs);
  const lists = new Map<string, readonly number[]>();
  const readers = new Map<string, number>();
  const changes: Change[] = [];
  for (const setting of all.filter(isSetting)) {
    const { node: place, attribute: name, value } = setting;
    const node = nodes.at(place);
    const origin = node && model.origins.get(node);
    const step = parts.steps.find((s) => s.index === origin?.index && s.name === origin.name);
    const at = step === undefined ? `node ${node?.name ?? place}` : placeOf(step);
    const wrong = (why: string): never =>
      fail("cannot-write", `${name} would have to become ${value}: ${why}`, file, at);
    if (node === undefined || step === undefined) return wrong("there is no such node in the file");
    const attribute = step.proto.attributes.find((a) => a.name === name);
    if (attribute !== undefined) {
      const before = typeof value === "number" ? attribute.i : attribute.ints;
      if (step.path === undefined) wrong("the node is in a function, which may be used elsewhere");
      if (String(before) !== String(node.attrs[name])) wrong("the file tells it in another way");
      changes.push({ step, attribute, value });
      continue;
    }
    const input = INPUTS[step.proto.type]?.[name];
    const list = step.proto.inputs[input ?? -1];
    if (list === undefined || typeof value === "number" || parts.stores.get(list) === undefined)
      return wrong("the file computes it, or leaves it out");
    const wanted = lists.get(list);
    if (wanted !== undefined && String(wanted) !== String(value))
      wrong(`the list ${list} is shared with another node`);
    lists.set(list, value);
    readers.set(list, (readers.get(list) ?? 0) + 1);
  }
  for (const [list, count] of readers) {
    const uses = parts.steps.flatMap((s) => s.proto.inputs).filter((n) => n === list).length;
    if (uses > count)
      fail("cannot-write", "it is shared with a node that stays as it is", file, `tensor ${list}`);
  }
  const edits = [...lists].map(([tensor, replace]): TensorEdit => ({ tensor, replace }));
  return {
    edits: [...all.filter(ofTensor), ...edits],
    parts: changes.length === 0 ? parts : withChanges(parts, changes),
    patches: async (window) => {
      const patches: Patch[] = [];
      for (const change of changes) patches.push(...(await patchesOf(window, change)));
      return patches;
    },
  };
}

function withChanges(parts: Parts, changes: readonly Change[]): Parts {
  const values = new Map(changes.map(({ attribute, value }) => [attribute, value]));
  const touched = new Set(changes.map((c) => c.step));
  const changed = (attribute: AttributeProto): AttributeProto => {
    const value = values.get(attribute);
    if (value === undefined) return attribute;
    return typeof value === "number"
      ? { ...attribute, i: value }
      : { ...attribute, ints: [...value] };
  };
  const steps = parts.steps.map((step) =>
    touched.has(step)
      ? { ...step, proto: { ...step.proto, attributes: step.proto.attributes.map(changed) } }
      : step,
  );
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
