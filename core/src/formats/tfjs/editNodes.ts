import { topological } from "../../ir/graph.ts";
import type { Shape } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import { type Edit, isSetting, type TensorEdit } from "../edits.ts";
import type { BuiltGraph } from "./graph/build.ts";
import type { SizeEntry } from "./graph/held.ts";
import { type JsonRecord, list, record, text } from "./json.ts";

/**
 * A target that is put together from stored numbers (Pack) is edited by editing those. Lengths that are
 * computed from shapes follow by themselves.
 */
export function targetEdits(
  targets: ReadonlyMap<string, readonly SizeEntry[]>,
  edits: readonly TensorEdit[],
  file: string,
): readonly TensorEdit[] {
  return edits.flatMap((edit): readonly TensorEdit[] => {
    const entries = targets.get(edit.tensor);
    if (entries === undefined) return [edit];
    if (!("replace" in edit) || edit.replace.length !== entries.length)
      return fail(
        "cannot-write",
        "it is a shape: it is only replaced",
        file,
        `node ${edit.tensor}`,
      );
    return entries.flatMap(({ dim, from }, i): readonly TensorEdit[] => {
      const now = edit.replace[i];
      if (from === undefined || now === dim || now <= 0) return [];
      const others = entries.filter((e) => e.from?.tensor === from.tensor);
      if (others.length > 1)
        return fail("cannot-write", "it comes from a longer list", file, `node ${edit.tensor}`);
      return [{ tensor: from.tensor, replace: [now] }];
    });
  });
}

/**
 * Settings of operators that come from a stored list become edits of it, where all that read the list want
 * the same. Others are left out: they follow by themselves, or are refused when the edited model is read.
 */
export function settingEdits(
  { model, settings }: BuiltGraph,
  edits: readonly Edit[],
): readonly TensorEdit[] {
  const nodes = topological(model.graph.outputs);
  const wanted = new Map<string, { readers: number; lists: (readonly number[])[] }>();
  for (const { node: place, attribute, value } of edits.filter(isSetting)) {
    const source = settings.get(nodes[place])?.get(attribute);
    if (source === undefined || typeof value === "number") continue;
    if (!value.every((v) => typeof v === "number")) continue;
    const { tensor, readers } = source;
    const own = wanted.get(tensor) ?? { readers, lists: [] };
    own.lists.push(source.list(value));
    wanted.set(tensor, own);
  }
  return [...wanted].flatMap(
    ([
      tensor,
      {
        readers,
        lists: [first, ...others],
      },
    ]) =>
      others.length + 1 === readers && others.every((l) => String(l) === String(first))
        ? [{ tensor, replace: first }]
        : [],
  );
}

/** Shapes that nodes note of what they give follow the edited weights. */
export function editNodes(topology: JsonRecord, shapes: ReadonlyMap<string, Shape>): JsonRecord {
  const node = list(topology.node).map((raw) => {
    const { attr, name } = record(raw) ?? {};
    const noted = record(attr);
    if (noted === undefined) return raw;
    const value = record(record(noted.value)?.tensor);
    const outputs = record(record(noted._output_shapes)?.list);
    const changes: Record<string, unknown> = {};
    const shape = shapes.get(`${text(name)}:0`);
    if (value?.tensorShape !== undefined && shape !== undefined)
      changes.value = {
        ...record(noted.value),
        tensor: { ...value, tensorShape: noteOf(value.tensorShape, shape) },
      };
    if (Array.isArray(outputs?.shape))
      changes._output_shapes = {
        ...record(noted._output_shapes),
        list: {
          ...outputs,
          shape: list(outputs.shape).map((s, i) => noteOf(s, shapes.get(`${text(name)}:${i}`))),
        },
      };
    return Object.keys(changes).length === 0
      ? raw
      : { ...record(raw), attr: { ...noted, ...changes } };
  });
  return { ...topology, node };
}

/** A TensorShapeProto with other lengths; one that does not fit was wrong before. */
function noteOf(note: unknown, shape: Shape | undefined): unknown {
  const dims = list(record(note)?.dim);
  if (shape === undefined || dims.length !== shape.length) return note;
  const dim = dims.map((old, i) => {
    const now = shape[i];
    const size = record(old)?.size;
    if (typeof now !== "number" || Number(size) < 0 || Number(size) === now) return old;
    return { ...record(old), size: typeof size === "number" ? now : String(now) };
  });
  return { ...record(note), dim };
}
