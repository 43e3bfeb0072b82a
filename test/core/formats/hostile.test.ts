import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "#core/compile/encode.ts";
import { unsafePath } from "#core/formats/onnx/external.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { concat, delimited, type Pieces, varint } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { float32, int64 } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { runs } from "../../support/fuzzing.ts";
import * as f from "./support.ts";

const apply = (type: string, attrs: Attrs, ...inputs: (Value | undefined)[]) =>
  operatorOfType.get(type)!.node(attrs, inputs).outputs[0]!;

function tiny(): Uint8Array {
  const x = input("x", "float32", ["N", 1, 4, 4]);
  const conv = apply(
    "Conv",
    { pads: [1, 1, 1, 1] },
    x,
    constant(float32([2, 1, 3, 3], f.range(18))),
  );
  const flat = apply("Reshape", {}, apply("Relu", {}, conv), constant(int64([2], [0, 32])));
  const y = apply("Gemm", { transB: 1 }, flat, constant(float32([3, 32], f.range(96))));
  return encode({ inputs: [x], outputs: [apply("Softmax", { axis: 1 }, y)] });
}

/** Whatever the bytes, an answer: a whole model, or problems with places. Its weights can be read. */
async function survives(bytes: Uint8Array): Promise<number> {
  const { model, problems } = await f.readBytes(bytes);
  assert.ok(model !== undefined || problems.length > 0);
  for (const p of problems)
    assert.ok(
      p.at.file === "tiny.onnx" && p.message.length > 0 && p.at.place !== undefined,
      f.lines([p])[0],
    );
  if (model !== undefined) {
    assert.equal(model.partial, problems.length > 0);
    await loadWeights(model.graph);
    await onnx.applyEdits(f.sourceOf(bytes), f.siblingsOf({}), [
      { tensor: "c_0", axis: 0, remove: [0] },
    ]);
  }
  return problems.length;
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const { model, problems } = await f.readBytes(bytes);
  assert.ok(problems.length > 0 && (model === undefined || model.partial));
  return f.lines(problems).join("; ");
}

const one = (tensor: Pieces, more: Partial<f.FileParts> = {}) =>
  f.fileOf({
    nodes: [f.nodeOf("Identity", ["w"], ["y"])],
    tensors: [tensor],
    outputs: [f.info("y", [])],
    ...more,
  });

describe("hostile ONNX files", () => {
  it("reports a file cut off at any byte", async () => {
    const bytes = tiny();
    for (let length = 0; length < bytes.length; length++)
      assert.ok((await survives(bytes.subarray(0, length))) > 0, `cut at ${length}`);
  }).timeout(runs(30_000));

  it("survives changed bytes", async () => {
    const bytes = tiny();
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at] = value;
        await survives(changed);
      }),
      { seed: 20, numRuns: runs(800) },
    );
  }).timeout(runs(60_000));

  it("survives changed bytes of the structure, where the weights are not", async () => {
    const bytes = f.fileOf({
      opset: 9,
      nodes: [
        f.nodeOf("Constant", [], ["s"], [f.tensorAttr("value", f.int64s("", [0, -1]))]),
        f.nodeOf("Softmax", ["x"], ["h"], [f.intAttr("axis", 1)]),
        f.nodeOf("Clip", ["h"], ["c"], [f.floatAttr("min", 0)]),
        f.nodeOf(
          "MaxPool",
          ["c"],
          ["p"],
          [f.intsAttr("kernel_shape", [2, 2]), f.intsAttr("pads", [1, 1, 1, 1])],
        ),
        f.nodeOf("Transpose", ["p"], ["t"], [f.intsAttr("perm", [0, 2, 3, 1])]),
        f.nodeOf("Reshape", ["t", "s"], ["y"]),
      ],
      inputs: [f.info("x", ["N", 2, 4, 4])],
      outputs: [f.info("y", ["N", 8])],
      values: [f.info("p", ["N", 2, 2, 2])],
    });
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at] = value;
        await survives(changed);
      }),
      { seed: 21, numRuns: runs(800) },
    );
  }).timeout(runs(60_000));

  it("survives random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        async (bytes) => void (await survives(bytes)),
      ),
      { seed: 22, numRuns: runs(400) },
    );
  }).timeout(runs(30_000));

  it("refuses tensors whose bytes are not those of their shape", async () => {
    const data = delimited(9, new Uint8Array(8));
    const cases: [Pieces, RegExp][] = [
      [f.tensorOf("w", 1, [3], data), /tensor w: shape \[3\] of float needs 12 bytes, there are 8/],
      [f.tensorOf("w", 1, [2, 2 ** 31, 2 ** 31], data), /absurdly large/],
      [f.tensorOf("w", 1, [-1], data), /not a number from 0/],
      [f.tensorOf("w", 1, [2 ** 60], data), /not a number from 0|absurdly large/],
      [f.tensorOf("w", 1, [2], []), /needs 8 bytes, there are 0/],
      [
        f.tensorOf("w", 7, [1_000_000_000], delimited(7, [Uint8Array.of(1, 2, 3)])),
        /needs 8000000000 bytes, there are 24/,
      ],
      [f.tensorOf("w", 8, [1], data), /element type string are not supported/],
      [f.tensorOf("w", 77, [1], data), /element type 77 are not supported/],
    ];
    for (const [tensor, message] of cases) assert.match(await refusal(one(tensor)), message);
  });

  it("refuses external data outside the model's folder, missing or too short", async () => {
    const entry = (key: string, value: string) =>
      delimited(13, [...delimited(1, key), ...delimited(2, value)]);
    const at = (location: string, ...more: Pieces) =>
      f.tensorOf("w", 1, [2], [...entry("location", location), ...more, varint(14, 1)]);
    const opened: string[] = [];
    const read = async (tensor: Pieces) => {
      const open = async (path: string) => {
        opened.push(path);
        return undefined;
      };
      return f.lines((await f.readBytes(one(tensor), { open })).problems).join();
    };
    for (const path of [
      "../w.bin",
      "a/../../w",
      "/etc/passwd",
      "C:\\w",
      "c:w",
      "..\\w",
      "a\\b",
      "\\\\host\\w",
      "w\0.bin",
      "",
    ])
      assert.match(await read(at(path)), /tensor w: its external data/, path);
    assert.deepEqual(opened, []);
    assert.match(await read(at("w.bin")), /"w.bin", which is missing: put it beside the model/);
    assert.match(await read(f.tensorOf("w", 1, [2], [varint(14, 1)])), /have no location/);
    assert.equal(unsafePath("sub/w..bin"), undefined);
    const files = f.siblingsOf({ "w.bin": new Uint8Array(12) });
    const short = async (...more: Pieces) =>
      f.lines((await f.readBytes(one(at("w.bin", ...more)), files)).problems).join();
    assert.match(
      await short(...entry("offset", "8")),
      /bytes 8 to 16 of "w.bin", which has only 12/,
    );
    assert.match(await short(...entry("offset", "-4")), /offset "-4", not a number/);
    assert.match(await short(...entry("length", "4")), /have 4 bytes, its shape needs 8/);
  });

  it("refuses cycles and names given twice", async () => {
    const file = (...nodes: Pieces[]) =>
      f.fileOf({
        nodes,
        inputs: [f.info("x", [1])],
        outputs: [f.info("y", [1])],
        tensors: [f.floats("w", [1], [0])],
      });
    assert.match(
      await refusal(
        file(
          f.nodeOf("Add", ["x", "b"], ["a"], [], { name: "first" }),
          f.nodeOf("Relu", ["a"], ["b"]),
          f.nodeOf("Relu", ["b"], ["y"]),
        ),
      ),
      /node Relu_1 \(number 1\): the graph is a cycle: "a" depends on itself/,
    );
    assert.match(await refusal(file(f.nodeOf("Relu", ["y"], ["y"]))), /cycle/);
    assert.match(
      await refusal(file(f.nodeOf("Relu", ["x"], ["y"]), f.nodeOf("Tanh", ["x"], ["y"]))),
      /number 1\): the name "y" is given to two values/,
    );
    assert.match(
      await refusal(file(f.nodeOf("Relu", ["x"], ["x"]))),
      /the name "x" is given to two values/,
    );
    assert.match(
      await refusal(file(f.nodeOf("Relu", ["x"], ["w"]))),
      /the name "w" is given to two values/,
    );
  });

  it("refuses protobuf that is not ONNX's, with the byte", async () => {
    const badName = f.fileOf({
      nodes: [[...f.nodeOf("Relu", ["x"], ["y"]), ...delimited(3, Uint8Array.of(0xff, 0xfe))]],
    });
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /byte 0: there is no graph/],
      [Uint8Array.of(0x0b), /byte 0: protobuf groups do not occur/],
      [
        concat([varint(1, 8), Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f)]),
        /byte 2: field 7 says 4294967295 bytes, 0 are left/,
      ],
      [
        Uint8Array.of(0x08, ...new Array(12).fill(0xff)),
        /byte 0: not valid protobuf \(invalid varint\)/,
      ],
      [
        Uint8Array.of(0x3a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
        /byte 0: a length is written in too many bytes/,
      ],
      [concat([...delimited(7, ""), ...delimited(7, "")]), /byte 2: graph is given twice/],
      [concat([varint(7, 1)]), /byte 0: ModelProto.graph has wire type 0, not 2/],
      [badName, /byte \d+: not valid protobuf \(.*\): the file is damaged/],
    ];
    for (const [bytes, message] of cases) assert.match(await refusal(bytes), message);
  });

  it("reports a file that shrinks or cannot be read while it is read", async () => {
    const source = { name: "gone.onnx", size: 100, read: () => Promise.reject(new Error("EIO")) };
    const { problems } = await onnx.read(source, f.siblingsOf({}));
    assert.deepEqual(f.lines(problems), ["gone.onnx: the file cannot be read: EIO"]);
  });
});
