import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { isFloat, size, type Tensor } from "#core/ir/tensor.ts";
import { operators } from "#core/ops/index.ts";
import type { Example, Operator } from "#core/ops/operator.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { ENGINES, engine } from "#server/runtime/engines.ts";

for (const name of ENGINES)
  for (const operator of operators)
    describe(`${name}, operator ${operator.type}`, function () {
      this.timeout(60_000);
      let runtime: Runtime;
      before(async () => {
        runtime = await engine(name);
      });
      operator.examples.forEach((example, i) => {
        const title = `${i + 1}${example.note === undefined ? "" : ` (${example.note})`}`;
        it(`example ${title} runs as the reference evaluates it`, async () => {
          const { inputs, feeds, outputs } = apply(operator, example);
          await agrees(runtime, { inputs, outputs }, feeds);
        });
        if (typeof operator.gradient === "function")
          it(`example ${title} has the reference's gradient`, async () => {
            const { graph, feeds } = differentiated(operator, example);
            if (graph.outputs.length > 0) await agrees(runtime, graph, feeds);
          });
      });
    });

async function agrees(runtime: Runtime, graph: Graph, feeds: readonly Tensor[]): Promise<void> {
  const fed = new Map(graph.inputs.map((v, i) => [v, feeds[i]!]));
  const expected = evaluate(graph.outputs, fed);
  const program = await runtime.compile(graph);
  const found = await program.run(feeds);
  await program.release();
  found.forEach(({ dtype, shape, data }, i) => {
    const want = expected[i]!;
    assert.deepEqual({ dtype, shape }, { dtype: want.dtype, shape: want.shape });
    want.data.forEach((v, k) => {
      const tolerance = isFloat(dtype) ? 2e-6 * (4 + Math.abs(v)) : 0;
      assert.ok(Math.abs(data[k]! - v) <= tolerance, `output ${i}[${k}]: ${data[k]}, not ${v}`);
    });
  });
}

interface Applied {
  readonly inputs: readonly Value[];
  readonly feeds: readonly Tensor[];
  readonly outputs: readonly Value[];
}

/** Floating-point inputs are fed, everything else is constant. */
function apply(operator: Operator, example: Example): Applied {
  const inputs: Value[] = [];
  const feeds: Tensor[] = [];
  const values = example.inputs.map((given, i) => {
    if (given === undefined) return undefined;
    const tensor = "dtype" in given ? given : filled(given, i + 1);
    if (!isFloat(tensor.dtype) || example.constants?.includes(i) === true) return constant(tensor);
    const value = input(`x${i}`, tensor.dtype, tensor.shape);
    inputs.push(value);
    feeds.push(tensor);
    return value;
  });
  return { inputs, feeds, outputs: operator.node(example.attrs, values).outputs };
}

/** The graph of the gradients by every input, for cotangents that are fed as well. */
function differentiated(
  operator: Operator,
  example: Example,
): { graph: Graph; feeds: readonly Tensor[] } {
  const { inputs, feeds, outputs } = apply(operator, example);
  const seeds = outputs
    .filter((v) => isFloat(v.dtype))
    .map((output) => ({ output, cotangent: input("ct", output.dtype, output.shape) }));
  const cotangents = seeds.map((s) => s.cotangent);
  const weights = cotangents.map(
    (v, i): Tensor => ({
      ...filled(v.shape as readonly number[], 20 + i),
      dtype: v.dtype,
    }),
  );
  const gradients = backward(seeds, inputs);
  return {
    graph: { inputs: [...inputs, ...cotangents], outputs: [...gradients.values()] },
    feeds: [...feeds, ...weights],
  };
}

/** Float32 numbers of both signs, all different and away from 0 and ±0.5, where there may be kinks. */
function filled(shape: readonly number[], seed: number): Tensor {
  const n = size(shape);
  const { uniform } = random(seed);
  const ranks = Array.from({ length: n }, (_, i) => ({ i, at: uniform() }));
  ranks.sort((a, b) => a.at - b.at);
  const data = Float32Array.from(ranks, ({ i }) => {
    const part = (i + 0.5) / n;
    const magnitude = part < 0.3 ? 0.08 + part * 1.2 : 0.54 + (part - 0.3) * 1.6;
    return uniform() < 0.5 ? -magnitude : magnitude;
  });
  return { dtype: "float32", shape, data };
}
