import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { backward } from "#core/autodiff/backward.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { type Tensor, tensor } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** See fixtures/resampling/make.py: what PyTorch says in float64. */
interface Case {
  readonly name: string;
  readonly type: string;
  readonly attrs: Attrs;
  readonly inputs: readonly Numbers[];
  readonly output: Numbers;
  readonly cotangent: Numbers;
  readonly gradients: readonly Numbers[];
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/resampling/resampling.json", import.meta.url), "utf8"),
) as readonly Case[];

const float64 = ({ shape, data }: Numbers): Tensor =>
  tensor("float64", shape, Float64Array.from(data));

function close(found: Tensor, expected: Numbers): void {
  assert.deepEqual(found.shape, expected.shape);
  found.data.forEach((v, i) => {
    assert.ok(Math.abs(v - expected.data[i]!) < 1e-9, `[${i}]: ${v}, not ${expected.data[i]}`);
  });
}

describe("resampling as in PyTorch", () => {
  for (const { name, type, attrs, inputs, output, cotangent, gradients } of cases)
    it(`${type} ${name}: values and gradients`, () => {
      const values = inputs.map((t, i) => input(`x${i}`, "float64", t.shape));
      const feeds = new Map<Value, Tensor>(values.map((v, i) => [v, float64(inputs[i]!)]));
      const [y] = operatorOfType.get(type)!.node(attrs, values).outputs;
      close(evaluate([y!], feeds)[0]!, output);
      const seed = { output: y!, cotangent: constant(float64(cotangent)) };
      const found = backward([seed], values);
      values.forEach((value, i) => {
        const gradient = found.get(value);
        if (gradient !== undefined) close(evaluate([gradient], feeds)[0]!, gradients[i]!);
        else assert.ok(gradients[i]!.data.every((v) => v === 0));
      });
    });
});
