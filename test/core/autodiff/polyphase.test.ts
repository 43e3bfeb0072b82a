import assert from "node:assert/strict";
import fc from "fast-check";
import { backward } from "#core/autodiff/backward.ts";
import {
  blockOf,
  fromPhases,
  phasedShape,
  plainPositions,
  toPhases,
} from "#core/autodiff/phases.ts";
import { polyphase } from "#core/autodiff/polyphase.ts";
import { dependents } from "#core/autodiff/split.ts";
import { type Graph, input, type Value } from "#core/ir/graph.ts";
import { known, size } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { op, weights } from "../../support/build.ts";
import { wide } from "../../support/derivatives.ts";
import { assertNear } from "../../support/numbers.ts";

interface Level {
  readonly units: number;
  readonly kernel: number;
  readonly pad: number;
  readonly pool: number;
}

interface Spec {
  readonly channels: number;
  readonly levels: readonly Level[];
  /** Rows and columns of the last pooled map. */
  readonly last: readonly [number, number];
  /** Added to rows and columns, so that pools may leave a rest. */
  readonly rest: number;
}

const level: fc.Arbitrary<Level> = fc
  .record({
    units: fc.integer({ min: 1, max: 3 }),
    kernel: fc.constantFrom(3, 5),
    pad: fc.nat(2),
    pool: fc.constantFrom(2, 3),
  })
  .map((l) => ({ ...l, pad: Math.min(l.pad, (l.kernel - 1) / 2) }));

const anySpec: fc.Arbitrary<Spec> = fc.record({
  channels: fc.integer({ min: 1, max: 2 }),
  levels: fc.array(level, { minLength: 1, maxLength: 2 }),
  last: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
  rest: fc.constantFrom(0, 0, 1),
});

/** (Conv, Relu, MaxPool) once or twice, Flatten, MatMul; and the values whose derivatives are wanted. */
function build({ channels, levels, last, rest }: Spec) {
  // From the end: a pool multiplies the length, a convolution adds what its padding does not make up.
  const start = last.map((n) =>
    levels.reduceRight((m, { kernel, pad, pool }) => m * pool + kernel - 1 - 2 * pad, n),
  );
  const x = input("x", "float32", [2, channels, ...start.map((n) => n + rest)]);
  const targets: Value[] = [x];
  let value = x;
  levels.forEach(({ units, kernel, pad, pool }, i) => {
    const w = weights([units, value.shape[1] as number, kernel, kernel], i + 1);
    const map = op("Conv", { pads: [pad, pad, pad, pad] }, [value, w]);
    const a = op("Relu", {}, [map]);
    value = op("MaxPool", { kernel_shape: [pool, pool], strides: [pool, pool] }, [a]);
    targets.push(map, a, value);
  });
  const flat = op("Flatten", { axis: 1 }, [value]);
  const y = op("MatMul", {}, [flat, weights([flat.shape[1] as number, 3], 9)]);
  return { graph: { inputs: [x], outputs: [y] } satisfies Graph, x, y, targets };
}

function rewritten(spec: Spec) {
  const { x, y, targets } = build(spec);
  const cotangent = input("ct", "float32", y.shape);
  const found = backward([{ output: y, cotangent }], targets);
  const plain = targets.map((t) => found.get(t)!);
  const derivatives = polyphase(plain, dependents(plain, [cotangent]));
  const feeds = new Map([
    [x, wide(known(x.shape), 4)],
    [cotangent, wide(known(y.shape), 5)],
  ]);
  return { x, cotangent, plain, derivatives, feeds };
}

describe("the backward pass in phases", function () {
  this.timeout(60_000);

  it("gives what the plain one gives, in random narrow nets", () => {
    let phased = 0;
    const agrees = (spec: Spec) => {
      const { x, cotangent, plain, derivatives, feeds } = rewritten(spec);
      verify({ inputs: [x, cotangent], outputs: derivatives.map((d) => d.value) });
      derivatives.forEach(({ value, phases }, i) => {
        if (phases !== undefined) phased++;
        const back = phases === undefined ? value : fromPhases(value, phases);
        const [found, expected] = evaluate([back, plain[i]!], feeds);
        assert.deepEqual(found!.shape, expected!.shape);
        assertNear(found!.data, expected!.data, 1e-9, `target ${i}`);
      });
    };
    fc.assert(fc.property(anySpec, agrees), { numRuns: 40, seed: 2 });
    assert.ok(phased > 40, `only ${phased} derivatives were in phases`);
  });

  const one: Level = { units: 2, kernel: 3, pad: 1, pool: 2 };

  it("keeps the input's derivative in the phases of one level", () => {
    const { derivatives } = rewritten({ channels: 1, levels: [one], last: [3, 3], rest: 0 });
    assert.deepEqual(derivatives[0]!.phases, { factors: [2], shape: [2, 1, 6, 6] });
  });

  it("goes on through two levels, the coarse factor first", () => {
    const levels = [one, { ...one, pool: 3 }];
    const { derivatives } = rewritten({ channels: 1, levels, last: [2, 2], rest: 0 });
    assert.deepEqual(derivatives[0]!.phases, { factors: [3, 2], shape: [2, 1, 12, 12] });
  });

  it("leaves a Resize that interpolates as it is", () => {
    const ct = input("ct", "float32", [2, 2, 3, 3]);
    const mask = input("mask", "float32", [2, 2, 6, 6]);
    const modes = [
      { mode: "linear", coordinate_transformation_mode: "half_pixel", sizes: [6, 6] },
      { mode: "linear", coordinate_transformation_mode: "align_corners", scales: [2, 2] },
    ];
    for (const attrs of modes) {
      const wider = op("Resize", { ...attrs, axes: [2, 3] }, [ct]);
      const masked = op("Mul", {}, [wider, mask]);
      const d = op("ConvTranspose", { pads: [1, 1, 1, 1] }, [masked, weights([2, 1, 3, 3], 1)]);
      const [found] = polyphase([d], dependents([d], [ct]));
      assert.equal(found!.phases, undefined);
      const feeds = new Map([
        [ct, wide(known(ct.shape), 1)],
        [mask, wide(known(mask.shape), 2)],
      ]);
      const [a, b] = evaluate([found!.value, d], feeds);
      assertNear(a!.data, b!.data, 1e-12);
    }
  });

  it("stays plain where a pool leaves a rest", () => {
    const { derivatives } = rewritten({ channels: 1, levels: [one], last: [3, 3], rest: 1 });
    assert.ok(derivatives.every((d) => d.phases === undefined));
  });

  it("comes back to plain where the input does not divide", () => {
    // 8 rows → 6 without padding: 8 divides by a pool of 2, not by one of 3.
    const valid = { ...one, pad: 0 };
    const halves = rewritten({ channels: 1, levels: [valid], last: [3, 3], rest: 0 });
    assert.deepEqual(halves.x.shape, [2, 1, 8, 8]);
    assert.deepEqual(halves.derivatives[0]!.phases?.factors, [2]);
    const levels = [{ ...valid, pool: 3 }];
    const thirds = rewritten({ channels: 1, levels, last: [2, 2], rest: 0 });
    assert.deepEqual(thirds.x.shape, [2, 1, 8, 8]);
    assert.equal(thirds.derivatives[0]!.phases, undefined);
    assert.deepEqual(thirds.derivatives[2]!.phases?.factors, [3]);
  });
});

describe("phases", () => {
  const anyPhases = fc
    .record({
      factors: fc.array(fc.constantFrom(2, 3), { maxLength: 2 }),
      batch: fc.integer({ min: 1, max: 2 }),
      channels: fc.integer({ min: 1, max: 3 }),
      blocks: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
    })
    .map(({ factors, batch, channels, blocks }) => {
      const b = size(factors);
      return { factors, shape: [batch, channels, blocks[0] * b, blocks[1] * b] };
    });

  it("hold every element once, where plainPositions says", () => {
    const consistent = (phases: { factors: readonly number[]; shape: readonly number[] }) => {
      const x = input("x", "float32", phases.shape);
      const numbers = wide(phases.shape, 1);
      const there = toPhases(x, phases);
      const [phased, back] = evaluate([there, fromPhases(there, phases)], new Map([[x, numbers]]));
      assert.deepEqual(back, numbers);
      assert.equal(blockOf(phases), size(phases.factors));
      if (phases.factors.length > 0)
        assert.deepEqual(phased!.shape, [phases.shape[0], ...phasedShape(phases)]);
      const positions = plainPositions(phases);
      const each = positions.length;
      assert.deepEqual(
        [...positions].sort((a, b) => a - b),
        Array.from({ length: each }, (_, i) => i),
      );
      phased!.data.forEach((v, i) => {
        const sample = Math.floor(i / each);
        assert.equal(v, numbers.data[sample * each + positions[i % each]!]);
      });
    };
    fc.assert(fc.property(anyPhases, consistent), { numRuns: 60, seed: 1 });
  });
});
