import { constant, type Value } from "../../ir/graph.ts";
import { typed } from "../../ir/tensor.ts";
import { codeOfDType } from "../../ops/cast.ts";
import type { Call, Upgrade } from "./upgrade.ts";

const RANGES = { int4: [-8, 7], uint4: [0, 15] } as const;
type FourBits = keyof typeof RANGES;

const CODES: Readonly<Record<number, FourBits>> = { 21: "uint4", 22: "int4" };
const heldAs = (type: FourBits) => (type === "int4" ? "int8" : "uint8");

/** Operators whose result is of another type, whatever goes in. */
const CONVERT = new Set(["Cast", "DequantizeLinear", "QuantizeLinear"]);

/** Which values of a file are 4-bit integers: in the graph they are held as int8 and uint8. */
export class FourBitValues {
  readonly #types = new Map<Value, FourBits>();

  /** @param element the type that the file gives the value */
  note(value: Value, element: string | undefined): void {
    if (element === "int4" || element === "uint4") this.#types.set(value, element);
  }

  /** Operators that put elements elsewhere keep their type. */
  follow(type: string, inputs: readonly (Value | undefined)[], made: readonly Value[]): void {
    if (this.#types.size === 0 || CONVERT.has(type)) return;
    for (const input of inputs) {
      const own = input && this.#types.get(input);
      if (own === undefined) continue;
      for (const value of made) if (value.dtype === heldAs(own)) this.#types.set(value, own);
    }
  }

  /** QuantizeLinear to 4 bits, which saturates earlier than 8; undefined: the node is none. */
  quantize(call: Call): Upgrade | undefined {
    if (call.type !== "QuantizeLinear") return undefined;
    const zero = call.inputs[2];
    const type = (zero && this.#types.get(zero)) ?? CODES[Number(call.attrs.output_dtype ?? 0)];
    if (type === undefined) return undefined;
    return ({ attrs, inputs, apply }) => {
      const dtype = heldAs(type);
      const [y] = apply(
        "QuantizeLinear",
        { ...attrs, output_dtype: codeOfDType(dtype) },
        ...inputs,
      );
      const [low, high] = RANGES[type].map((v) => constant(typed({ dtype, shape: [] }, [v])));
      const result = apply("Clip", {}, y, low, high);
      this.note(result[0], type);
      return result;
    };
  }
}
