import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { backward, type Seed } from "#core/autodiff/backward.ts";
import { constant, input, type Node, type Value } from "#core/ir/graph.ts";
import { isFloat, known, size, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { operatorOfType, operators } from "#core/ops/index.ts";
import type { Attrs, ChannelRule, Example, Gone, Operator, Port } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";

const STEP = 1e-4;
const TOLERANCE = 1e-6;

for (const operator of operators)
  describe(`operator ${operator.type}`, () => {
    operator.examples.forEach((example, i) => {
      const title = `${i + 1}${example.note === undefined ? "" : ` (${example.note})`}`;
      it(`example ${title} evaluates to the inferred types`, () => checkTypes(operator, example));
      if (typeof operator.gradient === "function") {
        it(`example ${title} has the gradient of finite differences`, () =>
          checkGradient(apply(operator, example)));
        it(`example ${title} has the second derivative of finite differences`, () =>
          checkSecondDerivative(apply(operator, example)));
      }
      it(`example ${title} loses units as its channel rule says`, () =>
        checkChannels(operator, example));
      if (operator.onnx !== undefined && operator.fromOnnx !== undefined)
        it(`example ${title} survives the way to ONNX and back`, () =>
          checkOnnxForm(apply(operator, example).node));
    });
  });

describe("operator table", () => {
  it("lists every operator that a file defines", async () => {
    const folder = new URL("../../core/src/ops/", import.meta.url);
    for (const file of readdirSync(folder)) {
      const found: Record<string, unknown> = await import(new URL(file, folder).href);
      for (const value of Object.values(found))
        if (typeof value === "function" && "infer" in value && "type" in value)
          assert.ok(operatorOfType.has(String(value.type)), file);
    }
  });

  it("has an example for every operator and no type twice", () => {
    assert.equal(operatorOfType.size, operators.length);
    for (const { type, examples } of operators) assert.ok(examples.length > 0, type);
  });
});

/** One application: inputs that vary are graph inputs, the others constants. */
interface Applied {
  readonly node: Node;
  readonly variables: readonly Value[];
  readonly feeds: ReadonlyMap<Value, Tensor>;
}

function apply(operator: Operator, example: Example): Applied {
  const feeds = new Map<Value, Tensor>();
  const values = example.inputs.map((given, i) => {
    if (given === undefined) return undefined;
    const tensor = filled(given, i);
    if (!isFloat(tensor.dtype) || example.constants?.includes(i)) return constant(tensor);
    const value = input(`x${i}`, tensor.dtype, tensor.shape);
    feeds.set(value, tensor);
    return value;
  });
  return { node: operator.node(example.attrs, values), variables: [...feeds.keys()], feeds };
}

/** Values of both signs, all different, away from 0 and ±0.5, where something may have a kink. */
function filled(given: Tensor | readonly number[], seed: number): Tensor {
  if ("dtype" in given) return given;
  const n = size(given);
  const random = generator(seed + 17);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const data = Float64Array.from(order, (rank) => {
    const part = (rank + 0.5) / n;
    const magnitude = part < 0.3 ? 0.08 + part * 1.2 : 0.54 + (part - 0.3) * 1.6;
    return random() < 0.5 ? -magnitude : magnitude;
  });
  return { dtype: "float32", shape: given, data };
}

/** Marsaglia's xorshift32. */
function generator(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function checkTypes(operator: Operator, example: Example): void {
  const { node, feeds } = apply(operator, example);
  verify({ inputs: [...feeds.keys()], outputs: node.outputs });
  evaluate(node.outputs, feeds).forEach(({ dtype, shape, data }, i) => {
    assert.deepEqual({ dtype, shape }, typeOf(node.outputs[i]!));
    assert.equal(data.length, size(shape));
    assert.ok(data.every(Number.isFinite));
  });
}

const typeOf = ({ dtype, shape }: Value) => ({ dtype, shape });

/** The seeds Σ w·y over the float outputs, and that sum as a function of the feeds. */
function weighted(values: readonly Value[], seed: number) {
  const seeds: Seed[] = values
    .filter((v) => isFloat(v.dtype))
    .map((output, i) => ({
      output,
      cotangent: constant({ ...filled(known(output.shape), seed + i), dtype: output.dtype }),
    }));
  const weights = evaluate(
    seeds.map((s) => s.cotangent),
    new Map(),
  );
  const sum = (feeds: ReadonlyMap<Value, Tensor>): number =>
    evaluate(
      seeds.map((s) => s.output),
      feeds,
    ).reduce((total, y, i) => total + dot(y, weights[i]!), 0);
  return { seeds, sum };
}

function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

function checkGradient({ node, variables, feeds }: Applied): void {
  const { seeds, sum } = weighted(node.outputs, 5);
  const gradients = backward(seeds, variables);
  verify({ inputs: variables, outputs: [...gradients.values()] });
  compare(gradients, variables, feeds, sum);
}

/** Differentiates v·gradient with respect to the inputs and, where it is linear, the cotangents. */
function checkSecondDerivative({ node, variables, feeds }: Applied): void {
  const outputs = node.outputs.filter((v) => isFloat(v.dtype));
  const cotangents = outputs.map((y, i) => input(`ct${i}`, y.dtype, y.shape));
  const first = backward(
    outputs.map((output, i) => ({ output, cotangent: cotangents[i]! })),
    variables,
  );
  const { seeds, sum } = weighted([...first.values()], 7);
  const all = [...variables, ...cotangents];
  const fed = new Map(feeds);
  for (const [i, ct] of cotangents.entries()) fed.set(ct, filled(known(ct.shape), 11 + i));
  compare(backward(seeds, all), all, fed, sum, 12);
}

/** Central differences, for about `samples` elements of each variable. A missing gradient is zero. */
function compare(
  gradients: ReadonlyMap<Value, Value>,
  variables: readonly Value[],
  feeds: ReadonlyMap<Value, Tensor>,
  sum: (feeds: ReadonlyMap<Value, Tensor>) => number,
  samples = Number.POSITIVE_INFINITY,
): void {
  for (const variable of variables) {
    const at = feeds.get(variable)!;
    const gradient = gradients.get(variable);
    const found = gradient && evaluate([gradient], feeds)[0]!;
    if (gradient !== undefined) assert.deepEqual(gradient.shape, variable.shape);
    const every = Math.ceil(at.data.length / samples) || 1;
    at.data.forEach((x, i) => {
      if (i % every !== 0) return;
      const moved = (to: number): number => {
        const data = Float64Array.from(at.data);
        data[i] = to;
        return sum(new Map(feeds).set(variable, { ...at, data }));
      };
      const expected = (moved(x + STEP) - moved(x - STEP)) / (2 * STEP);
      const actual = found?.data[i] ?? 0;
      assert.ok(
        Math.abs(actual - expected) <= TOLERANCE * (1 + Math.abs(expected)),
        `${variable.node.name}[${i}]: ${actual}, finite differences ${expected}`,
      );
    });
  }
}

/**
 * Removing the indices of the label of index 0 from every axis of the rule equals setting them to zero
 * where they are summed up and deleting them from every output; attributes that count them follow.
 */
function checkJoined(
  operator: Operator,
  example: Example,
  tensors: readonly (Tensor | undefined)[],
  input: number,
  axis: number,
  node: Node,
  { ports }: Extract<ChannelRule, { kind: "join" }>,
): void {
  const start = ports.find((p) => "input" in p && p.input === input && p.axis === axis);
  assert.ok(start !== undefined, "the axis is not among the ports of its rule");
  const gone = ports.map((port) => {
    const value = "input" in port ? tensors[port.input]! : node.outputs[port.output]!;
    const indices = [...Array(value.shape[port.axis] as number).keys()];
    return { port, indices: indices.filter((k) => port.label(k) === start.label(0)) };
  });
  const lengthOf = (port: Port) =>
    "input" in port
      ? tensors[port.input]!.shape[port.axis]
      : node.outputs[port.output]!.shape[port.axis];
  if (gone.some(({ port, indices }) => indices.length === lengthOf(port))) return;
  const cut = [...tensors];
  const zero = [...tensors];
  for (const { port, indices } of gone)
    if ("input" in port) {
      cut[port.input] = without(cut[port.input]!, port.axis, indices);
      if (port.summed)
        for (const k of indices) zero[port.input] = zeroed(zero[port.input]!, port.axis, k);
    }
  const fits = (port: Port, end: Parameters<Gone>[0]) =>
    "input" in end
      ? "input" in port && port.input === end.input
      : "output" in port && port.output === end.output;
  const of: Gone = (end, along) =>
    gone.find(({ port }) => port.axis === along && fits(port, end))?.indices ?? [];
  const attrs = { ...example.attrs, ...operator.fitted?.(node, of) };
  const outputs = (given: readonly (Tensor | undefined)[], own: Attrs): Tensor[] => {
    const values = given.map((t) => t && constant(t));
    return [...evaluate(operator.node(own, values).outputs, new Map())];
  };
  const found = outputs(cut, attrs);
  const expected = outputs(zero, example.attrs);
  for (const { port, indices } of gone)
    if ("output" in port)
      expected[port.output] = without(expected[port.output]!, port.axis, indices);
  found.forEach((tensor, k) => {
    close(tensor, expected[k]!);
  });
}

/**
 * Removing index 0 of an axis and cutting the parameters equals deleting the slices of the output
 * (carry) or setting the unit to zero (consume).
 */
function checkChannels(operator: Operator, example: Example): void {
  const tensors = example.inputs.map((given, i) => given && filled(given, i));
  for (const [i, own] of tensors.entries())
    for (let axis = 0; axis < (own?.shape.length ?? 0); axis++)
      for (const stored of [false, true]) {
        if (own === undefined || !isFloat(own.dtype) || own.shape[axis]! < 2) continue;
        const values = tensors.map((t, k) => {
          if (t === undefined) return undefined;
          return k === i && !stored ? input("x", t.dtype, t.shape) : constant(t);
        });
        const node = operator.node(example.attrs, values);
        const rule = operator.channels(node, i, axis);
        if (rule.kind === "refuse") {
          assert.match(rule.because, /\w/);
          continue;
        }
        if (rule.kind === "join") {
          checkJoined(operator, example, tensors, i, axis, node, rule);
          continue;
        }
        const cut = tensors.with(i, without(own, axis, [0]));
        for (const c of rule.cuts) cut[c.input] = without(tensors[c.input]!, c.axis, [0]);
        const whole = run(operator, example, tensors);
        if (rule.kind === "consume") {
          const masked = run(operator, example, tensors.with(i, zeroed(own, axis, 0)));
          close(run(operator, example, cut), masked);
          continue;
        }
        const units = own.shape[axis]!;
        const gone = Array.from({ length: rule.outer * rule.inner }, (_, k) => {
          const o = Math.floor(k / rule.inner);
          return o * units * rule.inner + (k % rule.inner);
        });
        if (rule.target !== undefined) {
          const shape = cut[rule.target.input]!;
          const data = Float64Array.from(shape.data);
          data[rule.axis]! -= gone.length;
          cut[rule.target.input] = { ...shape, data };
        }
        close(run(operator, example, cut), without(whole, rule.axis, gone));
      }
}

function run(
  operator: Operator,
  { attrs }: Example,
  tensors: readonly (Tensor | undefined)[],
): Tensor {
  const node = operator.node(
    attrs,
    tensors.map((t) => t && constant(t)),
  );
  return evaluate([node.outputs[0]!], new Map())[0]!;
}

function without(t: Tensor, axis: number, indices: readonly number[]): Tensor {
  const inner = size(t.shape.slice(axis + 1));
  const length = t.shape[axis]!;
  const keep = (_: number, i: number) => !indices.includes(Math.floor(i / inner) % length);
  const data = Float64Array.from([...t.data].filter(keep));
  return { dtype: t.dtype, shape: t.shape.with(axis, length - indices.length), data };
}

function zeroed(t: Tensor, axis: number, index: number): Tensor {
  const inner = size(t.shape.slice(axis + 1));
  const at = (i: number) => Math.floor(i / inner) % t.shape[axis]!;
  return { ...t, data: Float64Array.from(t.data, (v, i) => (at(i) === index ? 0 : v)) };
}

function close(actual: Tensor, expected: Tensor): void {
  assert.deepEqual(actual.shape, expected.shape);
  actual.data.forEach((v, i) => {
    assert.ok(Math.abs(v - expected.data[i]!) < 1e-9, `[${i}]: ${v}, not ${expected.data[i]}`);
  });
}

function checkOnnxForm(node: Node): void {
  const operator = node.operator as Operator;
  const back = operator.fromOnnx!(operator.onnx!(node));
  assert.deepEqual(back.attrs, node.attrs);
  assert.deepEqual(back.inputs, node.inputs);
}
