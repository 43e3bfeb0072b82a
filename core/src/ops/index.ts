import type { Operator } from "./operator.ts";
import * as table from "./table.ts";

export const operators: readonly Operator[] = Object.values(table) as unknown as Operator[];

/** By ONNX operator type. */
export const operatorOfType: ReadonlyMap<string, Operator> = new Map(
  operators.map((o) => [o.type, o]),
);
