import type { Value } from "../../../ir/graph.ts";
import { known } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type Held, isHeld, plain } from "../held.ts";
import { type JsonRecord, record, text } from "../json.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { recurrentActivation } from "./activations.ts";

interface Kind {
  readonly type: "LSTM" | "GRU" | "RNN";
  /** Keras's gates in the order of ONNX's: i, f, c, o become i, o, f, c. */
  readonly gates: readonly number[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  LSTM: { type: "LSTM", gates: [0, 3, 1, 2] },
  GRU: { type: "GRU", gates: [0, 1, 2] },
  SimpleRNN: { type: "RNN", gates: [0] },
  CuDNNLSTM: { type: "LSTM", gates: [0, 3, 1, 2] },
};

/** What one direction gives: all steps in the order they were read in, the last, and the last memory. */
interface Run {
  readonly steps: Value;
  readonly states: readonly Value[];
}

/**
 * Runs one direction. x: [N, T, in]; variables: kernel [in, gates·H], recurrent kernel [H, gates·H],
 * bias [gates·H], or [2, gates·H] for a GRU that resets after the product.
 */
function run(
  layer: Layer,
  kind: Kind,
  config: JsonRecord,
  variables: readonly Value[],
  x: Value,
  initial: readonly Value[],
): Run {
  const [kernel, recurrent, bias] = variables;
  const hidden = Number(known(recurrent.shape)[0]);
  const { type, gates } = kind;
  const after = type === "GRU" && bias !== undefined && bias.shape.length === 2;
  const steps = layer.transpose(x, [1, 0, 2]);
  const given =
    config.go_backwards === true
      ? layer.op(
          "Slice",
          {},
          steps,
          layer.ints([-1]),
          layer.ints([Number.MIN_SAFE_INTEGER]),
          layer.ints([0]),
          layer.ints([-1]),
        )
      : steps;
  const width = gates.length * hidden;
  const weights = (value: Value, rows: number) =>
    layer.reshape(layer.transpose(arranged(layer, value, 1, gates, hidden), [1, 0]), [
      1,
      width,
      rows,
    ]);
  const biases = bias && biasesOf(layer, bias, gates, hidden, after);
  const [h, c] = initial.map((s) => layer.op("Unsqueeze", {}, s, layer.ints([0])));
  const made = layer.node(
    type,
    {
      hidden_size: hidden,
      activations: activationsOf(type, config, layer.legacy),
      ...(type === "GRU"
        ? {
            linear_before_reset:
              after || (bias === undefined && config.reset_after === true) ? 1 : 0,
          }
        : {}),
    },
    [
      given,
      weights(kernel, Number(known(kernel.shape)[0])),
      weights(recurrent, hidden),
      biases,
      undefined,
      h,
      c,
    ],
  );
  const [all, last, memory] = made.outputs;
  const squeeze = (v: Value, axis: number) => layer.op("Squeeze", {}, v, layer.ints([axis]));
  return {
    steps: layer.transpose(squeeze(all, 1), [1, 0, 2]),
    states: [last, memory].filter((v) => v !== undefined).map((v) => squeeze(v, 0)),
  };
}

/** The blocks of `hidden` along an axis in another order. */
function arranged(
  layer: Layer,
  value: Value,
  axis: number,
  order: readonly number[],
  hidden: number,
): Value {
  if (order.every((g, i) => g === i)) return value;
  const parts = order.map((g) =>
    layer.op(
      "Slice",
      {},
      value,
      layer.ints([g * hidden]),
      layer.ints([(g + 1) * hidden]),
      layer.ints([axis]),
    ),
  );
  return layer.op("Concat", { axis }, ...parts);
}

/** ONNX adds two biases, of the input and of the recurrence; most layers of Keras have the first alone. */
function biasesOf(
  layer: Layer,
  bias: Value,
  gates: readonly number[],
  hidden: number,
  after: boolean,
): Value {
  const width = gates.length * hidden;
  if (after) return layer.reshape(bias, [1, 2 * width]);
  const zeros = layer.floats(new Array<number>(width).fill(0));
  return layer.reshape(
    layer.op("Concat", { axis: 0 }, arranged(layer, bias, 0, gates, hidden), zeros),
    [1, 2 * width],
  );
}

function activationsOf(type: Kind["type"], config: JsonRecord, legacy: boolean): readonly string[] {
  const main = recurrentActivation(config.activation ?? "tanh", legacy);
  if (type === "RNN") return [main];
  const gate = recurrentActivation(config.recurrent_activation ?? "sigmoid", legacy);
  return type === "LSTM" ? [gate, main, main] : [gate, main];
}

const variableNames = (config: JsonRecord, prefix: string): readonly string[] =>
  ["kernel", "recurrent_kernel", ...(config.use_bias === false ? [] : ["bias"])].map(
    (name) => `${prefix}cell/${name}`,
  );

function checked(layer: Layer, config: JsonRecord): void {
  layer.unmasked();
  if (config.stateful === true) throw new Unsupported("stateful");
  layer.rank(layer.input, [3]);
}

const recurrent =
  (kind: Kind): Lower =>
  (layer) => {
    const { config } = layer;
    checked(layer, config);
    const variables = layer.variables(variableNames(config, ""));
    const given = layer.kwargs.initial_state;
    const initial = [...layer.inputs.slice(1), ...(Array.isArray(given) ? given : [given])]
      .filter(isHeld)
      .map((s) => layer.plain(s));
    const done = run(layer, kind, config, variables, layer.plain(layer.input), initial);
    const result = plain(config.return_sequences === true ? done.steps : done.states[0]);
    return config.return_state === true ? [result, ...done.states.map(plain)] : result;
  };

/** Both directions, put together step by step. */
const bidirectional: Lower = (layer) => {
  const inner = record(layer.config.layer);
  const kind = KINDS[text(inner.class_name)];
  if (kind === undefined) throw new Unsupported(`around ${text(inner.class_name)}`);
  const forward = record(inner.config);
  const other = layer.config.backward_layer;
  const backward =
    other === undefined || other === null
      ? { ...forward, go_backwards: forward.go_backwards !== true }
      : record(record(other).config);
  checked(layer, forward);
  if (layer.inputs.length > 1) throw new Unsupported("with initial states");
  const names = [
    ...variableNames(forward, "forward_layer/"),
    ...variableNames(backward, "backward_layer/"),
  ];
  const variables = layer.variables(names);
  const x = layer.plain(layer.input);
  const half = names.filter((n) => n.startsWith("forward_layer/")).length;
  const one = run(layer, kind, forward, variables.slice(0, half), x, []);
  const two = run(layer, kind, backward, variables.slice(half), x, []);
  const sequences = forward.return_sequences === true;
  // The second direction's steps come out last to first.
  const turned = (v: Value) =>
    layer.op(
      "Slice",
      {},
      v,
      layer.ints([-1]),
      layer.ints([Number.MIN_SAFE_INTEGER]),
      layer.ints([1]),
      layer.ints([-1]),
    );
  const [a, b] = sequences ? [one.steps, turned(two.steps)] : [one.states[0], two.states[0]];
  const merged = merge(layer, a, b);
  const states = [...one.states, ...two.states].map(plain);
  return forward.return_state === true ? [...merged, ...states] : merged;
};

function merge(layer: Layer, a: Value, b: Value): readonly Held[] {
  const mode = layer.config.merge_mode;
  switch (mode) {
    case null:
      return [plain(a), plain(b)];
    case "sum":
      return [plain(layer.op("Add", {}, a, b))];
    case "mul":
      return [plain(layer.op("Mul", {}, a, b))];
    case "ave":
      return [plain(layer.op("Mul", {}, layer.op("Add", {}, a, b), layer.number(0.5)))];
    case undefined:
    case "concat":
      return [plain(layer.op("Concat", { axis: a.shape.length - 1 }, a, b))];
    default:
      throw new InvalidNode(`its merge_mode ${String(mode)} is unknown`);
  }
}

export const recurrentLayers: Readonly<Record<string, Lower>> = {
  LSTM: recurrent(KINDS.LSTM),
  GRU: recurrent(KINDS.GRU),
  SimpleRNN: recurrent(KINDS.SimpleRNN),
  Bidirectional: bidirectional,
};
