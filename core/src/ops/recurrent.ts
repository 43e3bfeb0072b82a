import { backward } from "../autodiff/backward.ts";
import { constant, type Value } from "../ir/graph.ts";
import { type Dim, isFloat, known, size } from "../ir/tensor.ts";
import { evaluate } from "../runtime/reference.ts";
import { each, places, present } from "./channels.ts";
import { check, equalDims, int, length, needDType, needFloat, real, sameDType } from "./check.ts";
import { identity } from "./identity.ts";
import {
  carry,
  consume,
  type Definition,
  join,
  need,
  type Operator,
  operator,
  type Port,
  refuse,
} from "./operator.ts";
import { recurrentActivations } from "./recurrentActivations.ts";
import { type Cell, unroll } from "./unroll.ts";

export type RecurrentAttrs = {
  readonly hidden_size?: number;
  /** forward, reverse or bidirectional. */
  readonly direction?: string;
  /** For each direction the functions of its cell. */
  readonly activations?: readonly string[];
  readonly activation_alpha?: readonly number[];
  readonly activation_beta?: readonly number[];
  /** Bound of what goes into the activations. */
  readonly clip?: number;
};

/** What tells RNN, GRU and LSTM apart. */
interface Kind<A extends RecurrentAttrs> {
  readonly type: string;
  /** How many blocks of H rows W and R have. */
  readonly gates: number;
  /** Whether the cell has a state besides its output, and peepholes. */
  readonly memory: boolean;
  /** For one direction. */
  readonly activations: readonly string[];
  cell(attrs: A): Cell;
  readonly examples: Definition<A>["examples"];
}

const DIRECTIONS: Readonly<Record<string, number>> = { forward: 1, reverse: 1, bidirectional: 2 };

/**
 * Inputs: X [T, B, I], W [D, G·H, I], R [D, G·H, H], B [D, 2·G·H], sequence_lens [B], initial_h [D, B, H]
 * and, for LSTM, initial_c [D, B, H], P [D, 3·H]. Outputs: Y [T, D, B, H], Y_h and Y_c [D, B, H].
 * Evaluation and gradient go by the recurrence written out over the T steps.
 */
export function recurrent<A extends RecurrentAttrs>(kind: Kind<A>): Operator<A> {
  const { type } = kind;
  const written = (inputs: readonly (Value | undefined)[], attrs: A): readonly Value[] =>
    unroll(inputs, {
      reverse: directionOf(attrs, type) === "reverse",
      cell: kind.cell(attrs),
      activations: activationsOf(attrs, kind),
      memory: kind.memory,
      clip: attrs.clip,
    });
  return operator<A>({
    type,
    floatAttrs: ["activation_alpha", "activation_beta", "clip"],
    infer: (inputs, attrs) => infer(inputs, attrs, kind),
    evaluate: (inputs, attrs) =>
      evaluate(
        written(
          inputs.map((t) => t && constant(t)),
          attrs,
        ),
        new Map(),
      ),
    gradient(cts, { inputs, attrs }) {
      // Stand-ins: what lies before the inputs is not differentiated here.
      const own = inputs.map((v) => v && identity({}, v));
      const outputs = written(own, attrs);
      const seeds = cts.flatMap((cotangent, i) =>
        cotangent === undefined ? [] : [{ output: outputs[i], cotangent }],
      );
      const found = backward(
        seeds,
        own.flatMap((v) => (v !== undefined && isFloat(v.dtype) ? [v] : [])),
      );
      return own.map((v) => v && found.get(v));
    },
    channels(node, input, axis) {
      if (input === 0 && axis === 2) return consume([{ input: 1, axis: 2 }]);
      if (input === 1 && axis === 2) return consume([{ input: 0, axis: 2 }]);
      if (input === 0 && axis === 1 && node.inputs.slice(4, 7).every((v) => v === undefined))
        return carry(2);
      if (axis === 0 || input === 0 || input === 4 || (axis === 1 && (input === 5 || input === 6)))
        return refuse(`${type} runs along the axis`);
      return join(present(node, hiddenUnits(known(node.inputs[2]!.shape)[2])));
    },
    fitted: ({ attrs, inputs }, gone) =>
      (attrs.hidden_size === undefined
        ? {}
        : {
            hidden_size: known(inputs[2]!.shape)[2] - gone({ input: 2 }, 2).length,
          }) as Partial<A>,
    macs({ inputs: [x, w, r] }) {
      const [steps, batch] = known(x!.shape);
      return steps * batch * (size(known(w!.shape)) + size(known(r!.shape)));
    },
    /** The standard lets hidden_size be left out; runtimes do not. */
    onnx: ({ inputs, attrs }) => ({
      inputs,
      attrs: { ...attrs, hidden_size: known(inputs[2]!.shape)[2] },
    }),
    examples: kind.examples,
  });
}

/** A unit has its rows in every gate, and a column by which its last state comes in. */
function hiddenUnits(hidden: number): readonly Port[] {
  const gates = places(hidden);
  return [
    { input: 1, axis: 1, label: gates },
    { input: 2, axis: 1, label: gates },
    { input: 2, axis: 2, label: each, summed: true },
    { input: 3, axis: 1, label: gates },
    { input: 5, axis: 2, label: each },
    { input: 6, axis: 2, label: each },
    { input: 7, axis: 1, label: gates },
    { output: 0, axis: 3, label: each },
    { output: 1, axis: 2, label: each },
    { output: 2, axis: 2, label: each },
  ];
}

function infer<A extends RecurrentAttrs>(
  inputs: readonly (Value | undefined)[],
  attrs: A,
  { type, gates, memory, activations }: Kind<A>,
) {
  const [x, , r] = [0, 1, 2].map((i) => need(inputs, i, type));
  needFloat(x, type);
  check(x.shape.length === 3, `${type}: X must be [steps, batch, features]`);
  const directions = DIRECTIONS[directionOf(attrs, type)];
  check(r.shape.length === 3, `${type}: R must have rank 3`);
  const hidden = length(r.shape[2], `${type}: axis 2 of R`);
  check(
    int(attrs.hidden_size, hidden, `${type}: hidden_size`) === hidden,
    `${type}: hidden_size is ${attrs.hidden_size}, R has ${hidden}`,
  );
  if (attrs.clip !== undefined) check(real(attrs.clip, 0, `${type}: clip`) > 0, `${type}: clip`);
  const [steps, batch, features] = x.shape;
  const state = [directions, batch, hidden];
  const rows = gates * hidden;
  const shapes: readonly (readonly Dim[])[] = [
    x.shape,
    [directions, rows, features],
    [directions, rows, hidden],
    [directions, 2 * rows],
    [batch],
    state,
    ...(memory ? [state, [directions, 3 * hidden]] : []),
  ];
  check(inputs.length <= shapes.length, `${type}: there are ${inputs.length} inputs`);
  inputs.forEach((value, i) => {
    if (value === undefined) return;
    const what = `${type}: input ${i}`;
    check(value.shape.length === shapes[i].length, `${what} has rank ${value.shape.length}`);
    value.shape.forEach((n, d) => {
      equalDims(n, shapes[i][d], `${what}, axis ${d}`);
    });
    if (i === 4) needDType(value, "int32", `${type}: sequence_lens`);
    else sameDType(x, value, type);
  });
  activationsOf(attrs, { type, activations });
  const { dtype } = x;
  const last = { dtype, shape: state };
  const all = { dtype, shape: [steps, directions, batch, hidden] };
  return memory ? [all, last, last] : [all, last];
}

function directionOf({ direction = "forward" }: RecurrentAttrs, type: string): string {
  check(Object.hasOwn(DIRECTIONS, direction), `${type}: direction ${direction} is unknown`);
  return direction;
}

/** The functions of each direction. */
function activationsOf(
  attrs: RecurrentAttrs,
  { type, activations }: Pick<Kind<RecurrentAttrs>, "type" | "activations">,
) {
  const directions = DIRECTIONS[directionOf(attrs, type)];
  const each = activations.length;
  const names = attrs.activations ?? Array.from({ length: directions }, () => activations).flat();
  check(
    Array.isArray(names) && names.length === each * directions,
    `${type}: ${names.length} activations, needs ${each * directions}`,
  );
  const { activation_alpha: alphas = [], activation_beta: betas = [] } = attrs;
  for (const list of [alphas, betas])
    check(
      Array.isArray(list) && list.every((v) => Number.isFinite(v)),
      `${type}: activation_alpha and activation_beta must be lists of finite numbers`,
    );
  const all = recurrentActivations(names, alphas, betas, type);
  return Array.from({ length: directions }, (_, d) => all.slice(d * each, (d + 1) * each));
}
