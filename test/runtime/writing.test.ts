import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import type { Edit } from "#core/formats/edits.ts";
import { elementOf } from "#core/formats/onnx/elements.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { delimited, type Pieces, varint } from "#core/formats/onnx/pieces.ts";
import { random } from "#core/random.ts";
import * as f from "../core/formats/support.ts";

const FLOAT = 1;
const HALF = 10;
const DOUBLE = 11;
const BFLOAT = 16;

const create = (bytes: Uint8Array) => ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });

/** y = w as ONNX Runtime reads it from the file, cast to float32. */
async function inOnnxRuntime(bytes: Uint8Array): Promise<number[]> {
  const { y } = await (await create(bytes)).run({});
  return [...(y!.data as Float32Array)];
}

const fileWith = (tensor: Pieces | undefined, node: readonly Pieces[], type = FLOAT) =>
  f.fileOf({
    nodes: [...node, f.nodeOf("Cast", ["w"], ["y"], [f.intAttr("to", FLOAT)])],
    tensors: tensor === undefined ? [] : [tensor],
    outputs: [f.info("y", ["a", "b"])],
    values: [f.info("w", ["a", "b"], type)],
  });

async function edited(bytes: Uint8Array, edits: readonly Edit[], siblings = f.siblingsOf({})) {
  const { file, problems } = await onnx.applyEdits(f.sourceOf(bytes), siblings, edits);
  assert.deepEqual(f.lines(problems), []);
  return f.bytesOf(file!.pieces());
}

const VALUES = Float32Array.of(0.1, -2.5, 1e-3, 700, -0, 65504);

/** How a file may hold the six numbers of w. */
const bits = (code: number) => elementOf(code)!.encode!(Float32Array.from(f.range(6)));
const forms: Readonly<Record<string, readonly [Pieces, number]>> = {
  raw_data: [f.floats("w", [2, 3], f.range(6)), FLOAT],
  float_data: [f.tensorOf("w", FLOAT, [2, 3], delimited(4, bits(FLOAT))), FLOAT],
  double_data: [f.tensorOf("w", DOUBLE, [2, 3], delimited(10, bits(DOUBLE))), DOUBLE],
  "float16 in raw_data": [f.tensorOf("w", HALF, [2, 3], delimited(9, bits(HALF))), HALF],
  "float16 in int32_data": [
    f.tensorOf(
      "w",
      HALF,
      [2, 3],
      [...new Uint16Array(bits(HALF).buffer)].map((v) => varint(5, v)),
    ),
    HALF,
  ],
  bfloat16: [f.tensorOf("w", BFLOAT, [2, 3], delimited(9, bits(BFLOAT))), BFLOAT],
  "external data": [
    f.tensorOf(
      "w",
      FLOAT,
      [2, 3],
      [...delimited(13, [...delimited(1, "location"), ...delimited(2, "w.bin")]), varint(14, 1)],
    ),
    FLOAT,
  ],
};

describe("weights written into ONNX files", () => {
  for (const [form, [tensor, code]] of Object.entries(forms))
    it(`are what ONNX Runtime reads, in place of ${form}`, async () => {
      const files = f.siblingsOf({ "w.bin": f.bytesLE(Float32Array.from(f.range(6))) });
      const before = fileWith(tensor, [], code);
      const after = await edited(before, [{ tensor: "w", write: VALUES }], files);
      const element = elementOf(code)!;
      const rounded = [...element.decode(element.encode!(VALUES))];
      assert.deepEqual(await inOnnxRuntime(after), rounded);
      rounded.forEach((v, i) => {
        const digits = { [HALF]: 2 ** -11, [BFLOAT]: 2 ** -8 }[code] ?? 0;
        assert.ok(Math.abs(v - VALUES[i]!) <= digits * Math.abs(VALUES[i]!), `${v}`);
      });
      // Nothing else of the file changes: the other way of writing the same numbers gives the same bytes.
      const raw = f.tensorOf("w", code, [2, 3], delimited(9, element.encode!(VALUES)));
      if (/raw_data|_data|bfloat16/.test(form)) assert.deepEqual(after, fileWith(raw, [], code));
    });

  it("replace the numbers of Constant nodes of every form", async () => {
    const one = Float32Array.of(-1.5);
    for (const [dims, attribute, values] of [
      [[2, 3], f.tensorAttr("value", f.floats("", [2, 3], f.range(6))), VALUES],
      [
        [2],
        [...delimited(1, "value_floats"), ...delimited(7, bits(FLOAT).slice(0, 8)), varint(20, 6)],
        VALUES.slice(0, 2),
      ],
      [[], f.floatAttr("value_float", 3), one],
    ] as const) {
      const file = f.fileOf({
        nodes: [f.nodeOf("Constant", [], ["w"], [attribute]), f.nodeOf("Identity", ["w"], ["y"])],
        outputs: [f.info("y", dims)],
      });
      const after = await edited(file, [{ tensor: "w", write: values }]);
      assert.deepEqual(await inOnnxRuntime(after), [...values]);
    }
  });

  it("have the shape after the cuts, whatever the order of the edits", async () => {
    const before = fileWith(f.floats("w", [2, 3], f.range(6)), []);
    const write = { tensor: "w", write: Float32Array.of(7, 8) };
    const cuts = [
      { tensor: "w", axis: 1, remove: [0] },
      { tensor: "w", axis: 0, remove: [1] },
    ];
    for (const edits of [
      [write, ...cuts],
      [...cuts, write],
    ])
      assert.deepEqual(await edited(before, edits), fileWith(f.floats("w", [1, 2], [7, 8]), []));
  });

  it("are refused where they do not fit", async () => {
    const refused = async (bytes: Uint8Array, ...edits: Edit[]) => {
      const { file, problems } = await onnx.applyEdits(f.sourceOf(bytes), f.siblingsOf({}), edits);
      assert.equal(file, undefined);
      return f.lines(problems).join();
    };
    const floats = fileWith(f.floats("w", [2, 3], f.range(6)), []);
    const write: Edit = { tensor: "w", write: VALUES };
    const short: Edit = { tensor: "w", write: VALUES.slice(1) };
    assert.match(await refused(floats, short), /tensor w: 5 numbers do not fill shape \[2, 3\]/);
    assert.match(await refused(floats, write, write), /tensor w: it is written twice/);
    const cut: Edit = { tensor: "w", axis: 0, remove: [0] };
    assert.match(await refused(floats, write, cut), /6 numbers do not fill shape \[1, 3\]/);
    const halves = fileWith(forms["float16 in raw_data"]![0], [], HALF);
    const large: Edit = { tensor: "w", write: VALUES.with(2, 65520) };
    assert.match(await refused(halves, large), /tensor w: 65520 is beyond the range of float16/);
    const raw = delimited(9, new Uint8Array(6));
    const bytes = fileWith(f.tensorOf("w", 3, [2, 3], raw), [], 3);
    assert.match(await refused(bytes, write), /tensor w: only floats are written, not int8/);
    assert.match(await refused(floats, { tensor: "v", write: VALUES }), /tensor v: there is no/);
  });
});

describe("16-bit floats", () => {
  const { normal, uniform } = random(5);
  const floats = Float32Array.from({ length: 40_000 }, (_, i) =>
    i % 3 === 0 ? normal() : normal() * 2 ** (uniform() * 60 - 35),
  );
  /** Exactly between two neighbours, where the even one is nearest. */
  const ties = (code: number) => {
    const all = Uint16Array.from({ length: 0x7c00 }, (_, i) => i + (i & 1 ? 0x8000 : 0));
    const values = elementOf(code)!.decode(new Uint8Array(all.buffer));
    return Float32Array.from(values, (v, i) => (v + (values[i + 2] ?? v)) / 2);
  };

  for (const [name, code] of [
    ["float16", HALF],
    ["bfloat16", BFLOAT],
  ] as const)
    it(`are rounded to ${name} as ONNX Runtime rounds`, async () => {
      const bytes = f.fileOf({
        nodes: [
          f.nodeOf("Cast", ["x"], ["h"], [f.intAttr("to", code)]),
          f.nodeOf("Cast", ["h"], ["y"], [f.intAttr("to", FLOAT)]),
        ],
        inputs: [f.info("x", ["n"])],
        outputs: [f.info("y", ["n"])],
      });
      const session = await create(bytes);
      for (const values of [
        floats,
        ties(code),
        Float32Array.of(Infinity, -Infinity, NaN, 65519.99, 65520, -1e38),
      ]) {
        const { y } = await session.run({ x: new ort.Tensor("float32", values, [values.length]) });
        const element = elementOf(code)!;
        assert.deepEqual(
          element.decode(element.encode!(values)),
          new Float32Array(y!.data as Float32Array),
        );
      }
    });

  it("are the same after reading and writing, every one of them", () => {
    for (const code of [HALF, BFLOAT]) {
      const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
      const element = elementOf(code)!;
      const values = element.decode(new Uint8Array(all.buffer)) as Float32Array;
      const again = new Uint16Array(element.encode!(values).buffer);
      const different = all.filter((v, i) => v !== again[i] && !Number.isNaN(values[i]));
      assert.deepEqual([...different], []);
    }
  });
});
