import { tensorProto } from "../../compile/encode.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { Pin } from "./arguments.ts";
import { codeOf } from "./elements.ts";
import { concat, delimited, varint } from "./pieces.ts";
import type { Step } from "./program.ts";
import type { GraphProto, ModelProto } from "./schema.ts";
import type { Patch } from "./splice.ts";
import { fieldsIn, type Window } from "./wire.ts";

/** Where NodeProto has its inputs; GraphProto its initialisers and inputs. */
const INPUT = 1;
const [INITIALIZER, GRAPH_INPUT] = [5, 11];
/** From this version on an initialiser need not be an input of the graph. */
const FREE_INITIALIZERS = 4;

/** New initialisers, and the nodes that read them; inputs that are left out have the name "". */
export async function inputPatches(
  window: Window,
  { graph, irVersion }: ModelProto & { graph: GraphProto },
  pins: readonly Pin[],
  blank: readonly { readonly step: Step; readonly input: number }[],
): Promise<Patch[]> {
  const patches: Patch[] = [];
  const renamed = [...pins, ...blank.map((b) => ({ ...b, name: "" }))];
  for (const { step, input, name } of renamed) {
    const path = [...(step.path ?? []), step.proto.at];
    let i = 0;
    for await (const { number, head, end } of fieldsIn(window, step.proto.at)) {
      if (number !== INPUT) continue;
      const content = [concat(delimited(INPUT, name))];
      if (i === input) patches.push({ path, start: head, end, content });
      i++;
    }
  }
  const { end } = graph.at;
  for (const { name, tensor } of pins) {
    const content = [concat(delimited(INITIALIZER, tensorProto(tensor, name)))];
    if (irVersion < FREE_INITIALIZERS) content.push(graphInput(name, tensor));
    patches.push({ path: [graph.at], start: end, end, content });
  }
  return patches;
}

function graphInput(name: string, { dtype, shape }: Tensor): Uint8Array {
  const dims = shape.flatMap((d) => delimited(1, [varint(1, d)]));
  const type = delimited(1, [varint(1, codeOf(dtype)), ...delimited(2, dims)]);
  return concat(delimited(GRAPH_INPUT, [...delimited(1, name), ...delimited(2, type)]));
}
