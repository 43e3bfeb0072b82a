import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { backward } from "#core/autodiff/backward.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { int64, type Tensor, tensor } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { lstm } from "#core/ops/lstm.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** See fixtures/recurrent/make.py: what PyTorch says in float64. */
interface Case {
  readonly name: string;
  readonly type: string;
  readonly attrs: Attrs;
  readonly inputs: readonly (Numbers | readonly number[] | null)[];
  readonly outputs: readonly Numbers[];
  readonly cotangents: readonly Numbers[];
  readonly gradients: readonly (Numbers | null)[];
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/recurrent/recurrent.json", import.meta.url), "utf8"),
) as readonly Case[];

const float64 = ({ shape, data }: Numbers): Tensor =>
  tensor("float64", shape, Float64Array.from(data));

function close(found: Tensor, expected: Numbers): void {
  assert.deepEqual(found.shape, expected.shape);
  found.data.forEach((v, i) => {
    assert.ok(Math.abs(v - expected.data[i]!) < 1e-9, `[${i}]: ${v}, not ${expected.data[i]}`);
  });
}

describe("recurrent operators as in PyTorch", () => {
  for (const { name, type, attrs, inputs, outputs, cotangents, gradients } of cases)
    it(`${name}: outputs, and gradients by every input`, () => {
      const feeds = new Map<Value, Tensor>();
      const values = inputs.map((given, i) => {
        if (given === null) return undefined;
        if (!("shape" in given))
          return constant(tensor("int32", [given.length], Int32Array.from(given)));
        const value = input(`x${i}`, "float64", given.shape);
        feeds.set(value, float64(given));
        return value;
      });
      const node = operatorOfType.get(type)!.node(attrs, values);
      evaluate(node.outputs, feeds).forEach((t, i) => {
        close(t, outputs[i]!);
      });
      const seeds = node.outputs.map((output, i) => ({
        output,
        cotangent: constant(float64(cotangents[i]!)),
      }));
      const found = backward(seeds, [...feeds.keys()]);
      values.forEach((value, i) => {
        const expected = gradients[i];
        if (value === undefined || expected === null || expected === undefined) return;
        close(evaluate([found.get(value)!], feeds)[0]!, expected);
      });
    });
});

describe("recurrent operators by hand", () => {
  const x = (...shape: number[]): Value => input("x", "float32", shape);

  it("differentiates X alone, not what its other inputs have in common with it", () => {
    // The initial state is a part of X: both ways count, each once.
    const [w, r] = [1, 2].map((k) =>
      constant(tensor("float32", [1, 4, 1], new Float32Array(4).fill(k / 2))),
    );
    const steps = x(2, 1, 1);
    const state = operatorOfType.get("Slice")!.node({ axes: [0], starts: [0], ends: [1] }, [steps])
      .outputs[0]!;
    const [, last] = lstm.node({}, [steps, w, r, undefined, undefined, state]).outputs;
    const one = constant(tensor("float32", [1, 1, 1], Float32Array.of(1)));
    const slope = backward([{ output: last!, cotangent: one }], [steps]).get(steps)!;
    const at = (data: readonly number[]) =>
      new Map([[steps, tensor("float32", [2, 1, 1], Float64Array.from(data))]]);
    const value = (data: readonly number[]) => evaluate([last!], at(data))[0]!.data[0]!;
    const found = evaluate([slope], at([0.3, -0.2]))[0]!.data;
    const h = 1e-5;
    assert.ok(
      Math.abs(found[0]! - (value([0.3 + h, -0.2]) - value([0.3 - h, -0.2])) / (2 * h)) < 1e-8,
    );
    assert.ok(
      Math.abs(found[1]! - (value([0.3, -0.2 + h]) - value([0.3, -0.2 - h])) / (2 * h)) < 1e-8,
    );
  });

  it("refuses what does not fit, by name", () => {
    const parts = [x(3, 2, 2), x(1, 8, 2), x(1, 8, 2)];
    const refused = (attrs: Attrs, inputs: readonly (Value | undefined)[], message: RegExp) =>
      assert.throws(() => operatorOfType.get("LSTM")!.node(attrs, inputs), message);
    refused({ direction: "sideways" }, parts, /direction sideways is unknown/);
    refused({ activations: ["Sigmoid"] }, parts, /1 activations, needs 3/);
    refused({ activations: ["Sine", "Tanh", "Tanh"] }, parts, /activation Sine is unknown/);
    refused({ hidden_size: 3 }, parts, /hidden_size is 3, R has 2/);
    refused({ direction: "bidirectional" }, parts, /input 1, axis 0/);
    refused({}, [parts[0], parts[1]], /input 2 is missing/);
    refused({}, [...parts, undefined, constant(int64([2], [1, 2]))], /is int64, needs int32/);
  });
});
