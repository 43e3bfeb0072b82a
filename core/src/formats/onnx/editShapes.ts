import type { Shape } from "../../ir/tensor.ts";
import { concat, delimited, varint } from "./pieces.ts";
import type { GraphProto, ValueInfoProto } from "./schema.ts";
import type { Patch } from "./splice.ts";

/** Corrects the lengths that the file notes for inputs, outputs and values in between. */
export function shapePatches(graph: GraphProto, shapes: ReadonlyMap<string, Shape>): Patch[] {
  return [...graph.inputs, ...graph.outputs, ...graph.valueInfo].flatMap((info) => {
    const shape = shapes.get(info.name);
    return shape === undefined ? [] : corrected(graph, info, shape);
  });
}

function corrected(graph: GraphProto, info: ValueInfoProto, shape: Shape): Patch[] {
  const tensor = info.type?.tensor;
  const noted = tensor?.shape;
  // A note of another rank was wrong before.
  if (info.type === undefined || tensor === undefined || noted?.dims.length !== shape.length)
    return [];
  const path = [graph.at, info.at, info.type.at, tensor.at, noted.at];
  return noted.dims.flatMap((dim, i): Patch[] => {
    const length = shape[i];
    if (typeof length !== "number" || dim.value <= 0 || dim.value === length) return [];
    const denotation = dim.denotation === "" ? [] : delimited(3, dim.denotation);
    const content = [concat(delimited(dim.at.number, [varint(1, length), ...denotation]))];
    return [{ path, start: dim.at.head, end: dim.at.end, content }];
  });
}
