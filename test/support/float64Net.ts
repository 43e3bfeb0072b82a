import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { size } from "#core/ir/tensor.ts";
import { random } from "#core/random.ts";
import { op } from "./build.ts";

/** Makes nets in float64, so that nothing is rounded; each unit's parameters can be planted. */
export class Net {
  readonly x: Value;
  readonly #next: ReturnType<typeof random>;

  constructor(seed: number, ...shape: (number | string)[]) {
    this.x = input("x", "float64", ["N", ...shape]);
    this.#next = random(seed);
  }

  tensor(name: string, shape: readonly number[], plant: Plant = () => undefined): Value {
    const data = Float64Array.from({ length: size(shape) }, () => this.#next.normal());
    const inner = size(shape.slice(1));
    for (let u = 0; u < shape[0]!; u++) {
      const wanted = plant(u);
      if (wanted === undefined) continue;
      for (let i = 0; i < inner; i++)
        data[u * inner + i] =
          typeof wanted === "number"
            ? data[wanted * inner + i]!
            : typeof wanted === "function"
              ? wanted(data[u * inner + i]!)
              : wanted.all;
    }
    return constant({ dtype: "float64", shape, data }, name);
  }

  /** Units outermost. */
  conv(
    name: string,
    x: Value,
    units: number,
    { plant, bias, pads = 0, group = 1 }: Planted = {},
  ): Value {
    const w = this.tensor(`${name}.weight`, [units, (x.shape[1] as number) / group, 3, 3], plant);
    const b = this.tensor(`${name}.bias`, [units], bias ?? plant);
    return op(
      "Conv",
      { pads: [pads, pads, pads, pads], ...(group > 1 && { group }) },
      [x, w, b],
      name,
    );
  }

  gemm(name: string, x: Value, units: number, { plant, bias }: Planted = {}): Value {
    const w = this.tensor(`${name}.weight`, [units, x.shape[1] as number], plant);
    return op(
      "Gemm",
      { transB: 1 },
      [x, w, this.tensor(`${name}.bias`, [units], bias ?? plant)],
      name,
    );
  }

  norm(name: string, x: Value, plant?: Plant): Value {
    const channels = x.shape[1] as number;
    const parts = ["weight", "bias", "mean"].map((p) =>
      this.tensor(`${name}.${p}`, [channels], plant),
    );
    const variance = this.tensor(`${name}.var`, [channels], (u) => plant?.(u) ?? Math.abs);
    return op("BatchNormalization", {}, [x, ...parts, variance], name);
  }

  graph(y: Value): Graph {
    return { inputs: [this.x], outputs: [y] };
  }
}

/** For a unit: the unit that it copies, or what all of its parameters are, or become. */
export type Plant = (
  unit: number,
) => number | { readonly all: number } | ((v: number) => number) | undefined;
export interface Planted {
  readonly plant?: Plant;
  readonly bias?: Plant;
  readonly pads?: number;
  readonly group?: number;
}

export const relu = (x: Value): Value => op("Relu", {}, [x]);
export const flat = (x: Value): Value => op("Flatten", { axis: 1 }, [x]);
export const pool = (x: Value): Value => op("GlobalAveragePool", {}, [x]);
