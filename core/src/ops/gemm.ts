import { type Dim, known } from "../ir/tensor.ts";
import { broadcast, broadcastOffsets, unbroadcast } from "./broadcast.ts";
import { cutting } from "./channels.ts";
import { check, equalDims, flag, real, sameDType, show } from "./check.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, consume, need, type Operator, operator, refuse } from "./operator.ts";

type GemmAttrs = {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transA?: number;
  readonly transB?: number;
};

/** alpha·A'·B' + beta·C, where A' is A or its transpose. */
export const gemm: Operator<GemmAttrs> = operator<GemmAttrs>({
  type: "Gemm",
  floatAttrs: ["alpha", "beta"],
  infer(inputs, attrs) {
    const [a, b, c] = [need(inputs, 0, "Gemm"), need(inputs, 1, "Gemm"), inputs[2]];
    sameDType(a, b, "Gemm");
    sameDType(a, c, "Gemm");
    check(a.shape.length === 2 && b.shape.length === 2, "Gemm: A and B must be matrices");
    const { transA, transB } = read(attrs);
    const [m, k] = transA ? a.shape.toReversed() : a.shape;
    const [k2, n] = transB ? b.shape.toReversed() : b.shape;
    equalDims(k, k2, "Gemm: inner lengths");
    const shape: Dim[] = [m, n];
    const fits = c === undefined || broadcast(shape, c.shape, "Gemm: C").join() === shape.join();
    check(fits, `Gemm: C ${show(c?.shape ?? [])} does not broadcast to ${show(shape)}`);
    return [{ dtype: a.dtype, shape }];
  },
  evaluate([a, b, c], attrs, [{ dtype, shape }]) {
    const { alpha, beta, transA, transB } = read(attrs);
    const [m, n] = shape;
    const k = a!.shape[transA ? 0 : 1];
    const [ai, ak] = transA ? [1, m] : [k, 1];
    const [bk, bj] = transB ? [1, k] : [n, 1];
    const offsets = c && broadcastOffsets(c.shape, shape);
    const data = new Float64Array(m * n);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a!.data[i * ai + l * ak] * b!.data[l * bk + j * bj];
        const bias = offsets === undefined ? 0 : beta * c!.data[offsets[i * n + j]];
        data[i * n + j] = alpha * sum + bias;
      }
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [a, b, c], attrs }) {
    const { alpha, beta, transA, transB } = read(attrs);
    const bit = (b: boolean) => (b ? 1 : 0);
    const da = transA
      ? gemm({ alpha, transA: bit(transB), transB: 1 }, b, ct)
      : gemm({ alpha, transB: bit(!transB) }, ct, b);
    const db = transB
      ? gemm({ alpha, transA: 1, transB: bit(transA) }, ct, a)
      : gemm({ alpha, transA: bit(!transA) }, a, ct);
    if (c === undefined) return [da, db];
    const dc = unbroadcast(ct!, c);
    return [da, db, beta === 1 ? dc : mul({}, dc, literal(dc, beta))];
  },
  channels(node, input, axis) {
    const { transA, transB } = read(node.attrs);
    const [, , c] = node.inputs;
    const inner = transB ? 1 : 0;
    const bias = (out: number) => {
      const at = out - 2 + (c?.shape.length ?? 0);
      return at < 0 || c?.shape[at] === 1 ? [] : [{ input: 2, axis: at }];
    };
    if (input === 0 && axis === (transA ? 0 : 1)) return consume([{ input: 1, axis: inner }]);
    if (input === 0) return cutting(node, bias(0), (cuts) => carry(0, cuts));
    if (input === 1 && axis === inner) return consume([{ input: 0, axis: transA ? 0 : 1 }]);
    if (input === 1) return cutting(node, bias(1), (cuts) => carry(1, cuts));
    return refuse(`it is operand ${"ABC"[input]} of Gemm`);
  },
  macs({ inputs: [a], outputs: [y], attrs }) {
    const [m, n] = known(y.shape);
    return m * n * known(a!.shape)[read(attrs).transA ? 0 : 1];
  },
  examples: [
    { inputs: [[2, 3], [3, 4], [4]], attrs: {} },
    {
      inputs: [[2, 3], [4, 3], [4]],
      attrs: { transB: 1 },
      constants: [1, 2],
      note: "a dense layer",
    },
    {
      inputs: [
        [3, 2],
        [4, 3],
        [2, 1],
      ],
      attrs: { alpha: 0.5, beta: 2, transA: 1, transB: 1 },
    },
    {
      inputs: [
        [3, 2],
        [3, 4],
      ],
      attrs: { transA: 1 },
    },
  ],
});

const read = (attrs: GemmAttrs) => ({
  alpha: real(attrs.alpha, 1, "Gemm: alpha"),
  beta: real(attrs.beta, 1, "Gemm: beta"),
  transA: flag(attrs.transA, false, "Gemm: transA"),
  transB: flag(attrs.transB, false, "Gemm: transB"),
});
