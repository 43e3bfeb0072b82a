import type { Dim } from "../../ir/tensor.ts";
import type { Arguments, Wanted } from "./arguments.ts";
import type { Step } from "./program.ts";
import type { Parts } from "./read.ts";

/** Operators that hand the list on that is their input of the number. */
const HANDS_ON: Readonly<Record<string, number>> = { Cast: 0, Identity: 0, Reshape: 0, Where: 2 };
const DEEPEST = 16;

/**
 * A list of which some lengths are only known when the model runs is not stored in place of what computes
 * it: the parts that are put together (Concat) and are other numbers now are stored instead.
 */
export function wantSource(
  { steps }: Parts,
  read: Arguments,
  wanted: Wanted,
  { node, input, list }: { node: number; input: number; list: readonly Dim[] },
): void {
  if (list.every((d) => typeof d === "number")) return;
  const step = steps.find((s) => s.path !== undefined && s.index === node);
  const source = step && concatOf(steps, step.proto.inputs[input]);
  const parts = source && read.of(source)?.inputs;
  if (source === undefined || parts === undefined) return;
  let at = 0;
  source.proto.inputs.forEach((_, i) => {
    const items = parts[i]?.contents.items ?? [];
    const now = list.slice(at, at + items.length);
    at += items.length;
    const changed = now.some((d, k) => d !== items[k]);
    if (changed && now.every((d) => typeof d === "number")) wanted.set(source.index, i, now);
  });
}

function concatOf(steps: readonly Step[], name: string): Step | undefined {
  let at = name;
  for (let i = 0; i < DEEPEST; i++) {
    const step = steps.find((s) => s.proto.outputs.includes(at));
    if (step?.path === undefined) return undefined;
    const { type, inputs } = step.proto;
    if (type === "Concat") return step;
    const from = HANDS_ON[type];
    if (from === undefined) return undefined;
    at = inputs[from];
  }
  return undefined;
}
