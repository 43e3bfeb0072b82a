import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { int64 } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { image, normalisation, op, weights } from "./build.ts";

/** Small graphs whose layers hang together, one for each way. Input [N, 3, 6, 6] or [N, 5, 12]. */
export const coupledGraphs: Readonly<Record<string, () => Graph>> = {
  residual,
  dense,
  mobile,
  squeeze,
  splits,
  slices,
  shuffle,
  shared,
  manyGroups,
  fewGroups,
  transposed,
  normalised,
  padded,
  gated,
  attention,
  sideBySide,
  recurrentStates,
};

const list = (name: string, ...lengths: number[]): Value =>
  constant(int64([lengths.length], lengths), name);

/** Makes layers with names and seeds of their own. */
class Net {
  readonly x: Value;
  #seed = 0;

  constructor(...shape: (number | string)[]) {
    this.x = image("N", ...shape);
  }

  conv(name: string, x: Value, units: number, { kernel = 3, group = 1, bias = true } = {}): Value {
    this.#seed += 3;
    const depth = (x.shape[1] as number) / group;
    const w = weights([units, depth, kernel, kernel], this.#seed, `${name}.weight`);
    const b = bias ? weights([units], this.#seed + 1, `${name}.bias`) : undefined;
    const pads = new Array<number>(4).fill((kernel - 1) / 2);
    return op("Conv", { pads, ...(group > 1 && { group }) }, [x, w, b], name);
  }

  norm(name: string, x: Value): Value {
    this.#seed += 7;
    const parameters = normalisation(x.shape[1] as number, this.#seed, name);
    return op("BatchNormalization", {}, [x, ...parameters], name);
  }

  linear(name: string, x: Value, units: number): Value {
    this.#seed += 3;
    const w = weights([x.shape.at(-1) as number, units], this.#seed, `${name}.weight`);
    const y = op("MatMul", {}, [x, w], name);
    return op("Add", {}, [y, weights([units], this.#seed + 1, `${name}.bias`)], `${name}.add`);
  }

  /** Over all positions, and three outputs. */
  head(x: Value): Graph {
    const flat = op("Flatten", { axis: 1 }, [op("GlobalAveragePool", {}, [x])], "flat");
    return this.ends(this.linear("head", flat, 3));
  }

  ends(...outputs: Value[]): Graph {
    return { inputs: [this.x], outputs };
  }
}

const relu = (x: Value): Value => op("Relu", {}, [x]);
const add = (a: Value, b: Value, name = ""): Value => op("Add", {}, [a, b], name);
const parts = (attrs: Attrs, inputs: readonly Value[], name: string): readonly Value[] =>
  operatorOfType.get("Split")!.node(attrs, inputs, name).outputs;

/** Two blocks, the second with a projection. */
function residual(): Graph {
  const net = new Net(3, 6, 6);
  const stem = relu(net.norm("bn0", net.conv("stem", net.x, 6, { bias: false })));
  const a = relu(net.norm("bn1", net.conv("a", stem, 5)));
  const first = relu(add(net.norm("bn2", net.conv("b", a, 6)), stem, "join1"));
  const c = op("Sigmoid", {}, [net.conv("c", first, 4)]);
  const second = add(net.conv("d", c, 7), net.conv("down", first, 7, { kernel: 1 }), "join2");
  return net.head(op("Sigmoid", {}, [second]));
}

/** Every layer reads all before it. */
function dense(): Graph {
  const net = new Net(3, 6, 6);
  let x = net.conv("stem", net.x, 4);
  for (const name of ["a", "b", "c"]) {
    const y = net.conv(name, relu(net.norm(`${name}.bn`, x)), 3);
    x = op("Concat", { axis: 1 }, [x, y], `${name}.cat`);
  }
  return net.head(relu(net.norm("last", x)));
}

/** Expansion, depthwise convolution, projection, and round it the input. */
function mobile(): Graph {
  const net = new Net(3, 6, 6);
  const stem = net.conv("stem", net.x, 4);
  const wide = op("Clip", {}, [net.norm("bn1", net.conv("expand", stem, 8, { kernel: 1 }))]);
  const deep = op("HardSwish", {}, [net.norm("bn2", net.conv("deep", wide, 8, { group: 8 }))]);
  const twice = net.conv("twice", deep, 16, { group: 8 });
  return net.head(add(stem, net.conv("project", relu(twice), 4, { kernel: 1 }), "join"));
}

/** Squeeze and excite. */
function squeeze(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 6));
  const pooled = op("GlobalAveragePool", {}, [x]);
  const narrow = relu(net.conv("reduce", pooled, 3, { kernel: 1 }));
  const scale = op("Sigmoid", {}, [net.conv("widen", narrow, 6, { kernel: 1 })]);
  return net.head(relu(net.conv("next", op("Mul", {}, [x, scale], "excite"), 5)));
}

/** Parts of given lengths, and equal ones. */
function splits(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 9));
  const [a, b] = parts({ axis: 1, split: [4, 5] }, [x], "split") as [Value, Value];
  const left = net.conv("left", a, 6);
  const [c, d] = parts({ axis: 1, num_outputs: 2 }, [left], "halves") as [Value, Value];
  const gate = op("Mul", {}, [c, op("Sigmoid", {}, [d])], "gate");
  return net.head(op("Concat", { axis: 1 }, [gate, b], "cat"));
}

function slices(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 8));
  const slice = (start: number, end: number) =>
    op("Slice", { axes: [1], starts: [start], ends: [end] }, [x], `from${start}`);
  const overlap = add(net.conv("a", slice(0, 5), 4), net.conv("b", slice(-4, 2 ** 31 - 1), 4));
  return net.head(relu(overlap));
}

/** Channels change places between two groups. */
function shuffle(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 6));
  const apart = op("Reshape", {}, [x, list("apart", 0, 2, 3, 6, 6)], "reshape1");
  const swapped = op("Transpose", { perm: [0, 2, 1, 3, 4] }, [apart]);
  const back = op("Reshape", {}, [swapped, list("back", 0, -1, 6, 6)], "reshape2");
  return net.head(relu(net.conv("next", back, 4)));
}

/** One kernel for two branches. */
function shared(): Graph {
  const net = new Net(3, 6, 6);
  const [a, b] = [relu(net.conv("a", net.x, 4)), relu(net.conv("b", net.x, 4))];
  const w = weights([5, 4, 1, 1], 77, "shared.weight");
  const [c, d] = [a, b].map((v, i) => op("Conv", {}, [v, w], `use${i}`)) as [Value, Value];
  return net.head(op("Concat", { axis: 1 }, [net.conv("e", c, 3), relu(d)], "cat"));
}

/** Whole groups go. */
function manyGroups(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 8));
  const y = relu(net.norm("bn", net.conv("grouped", x, 12, { group: 4 })));
  return net.head(net.conv("next", y, 3, { kernel: 1 }));
}

/** The same places in both groups go. */
function fewGroups(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 8));
  const y = relu(net.conv("grouped", x, 6, { group: 2 }));
  return net.head(net.conv("next", y, 3, { kernel: 1 }));
}

function transposed(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 4));
  const up = (name: string, v: Value, units: number, group: number, seed: number) => {
    const w = weights([v.shape[1] as number, units / group, 2, 2], seed, `${name}.weight`);
    return op(
      "ConvTranspose",
      { strides: [2, 2], group },
      [v, w, weights([units], seed + 1, `${name}.bias`)],
      name,
    );
  };
  const y = add(up("up", x, 6, 1, 81), up("deep", net.conv("other", x, 6), 6, 6, 83), "join");
  const z = up("half", relu(net.conv("wide", y, 8)), 4, 2, 85);
  return net.head(relu(net.conv("next", z, 4)));
}

function normalised(): Graph {
  const net = new Net(3, 6, 6);
  const x = net.conv("conv", net.x, 8);
  const inputs = [x, weights([8], 91, "gn.scale"), weights([8], 92, "gn.bias")];
  const y = op("GroupNormalization", { num_groups: 4 }, inputs, "gn");
  const z = op("PRelu", {}, [net.conv("next", relu(y), 5), weights([5, 1, 1], 93, "slope")]);
  const w = op("InstanceNormalization", {}, [
    z,
    weights([5], 94, "in.scale"),
    weights([5], 95, "in.bias"),
  ]);
  return net.head(relu(w));
}

/** The shorter branch of a sum is filled up with zeros. */
function padded(): Graph {
  const net = new Net(3, 6, 6);
  const x = relu(net.conv("conv", net.x, 4));
  const wide = op("Pad", { pads: [0, 1, 0, 0, 0, 1, 0, 0] }, [x], "pad");
  return net.head(relu(add(net.conv("next", relu(wide), 6), wide, "join")));
}

/** A gate over positions, and one over units. */
function gated(): Graph {
  const net = new Net(3, 6, 6);
  const x = net.conv("conv", net.x, 5);
  const where = op("Sigmoid", {}, [net.conv("where", relu(x), 1)]);
  const sum = op("ReduceSum", { axes: [1], keepdims: 1 }, [op("Mul", {}, [x, where])], "sum");
  return net.head(relu(net.conv("next", op("Concat", { axis: 1 }, [sum, relu(x)]), 4)));
}

/** Self-attention with two heads of three. */
function attention(): Graph {
  const net = new Net(5, 12);
  const heads = (name: string, perm: readonly number[], shape: Value): Value =>
    op("Transpose", { perm }, [
      op("Reshape", {}, [net.linear(name, net.x, 6), shape], `${name}.heads`),
    ]);
  const shape = list("heads", 0, 0, 2, 3);
  const q = heads("q", [0, 2, 1, 3], shape);
  const k = heads("k", [0, 2, 3, 1], shape);
  const v = heads("v", [0, 2, 1, 3], list("v.heads", 0, 0, 2, -1));
  const score = op("Softmax", { axis: -1 }, [op("MatMul", {}, [q, k], "score")]);
  const mixed = op("Transpose", { perm: [0, 2, 1, 3] }, [op("MatMul", {}, [score, v], "mix")]);
  const joined = op("Reshape", {}, [mixed, list("joined", 0, 0, 6)], "join");
  const y = relu(net.linear("fc", net.linear("out", joined, 4), 5));
  return net.ends(net.linear("head", y, 3));
}

/** Weights that are stored the other way round, and a bias that two layers share. */
function sideBySide(): Graph {
  const net = new Net(5, 12);
  const bias = weights([4], 70, "both.bias");
  const branch = (name: string, seed: number) => {
    const w = op("Transpose", { perm: [1, 0] }, [weights([4, 12], seed, `${name}.weight`)]);
    return relu(add(op("MatMul", {}, [net.x, w], name), bias, `${name}.add`));
  };
  const product = op("Mul", {}, [branch("a", 71), net.linear("c", branch("b", 72), 4)], "product");
  return net.ends(net.linear("head", product, 3));
}

/** Two recurrent layers, the first in both directions; the head reads the last state of the second. */
function recurrentStates(): Graph {
  const net = new Net(5, 12);
  const steps = op("Transpose", { perm: [1, 0, 2] }, [net.linear("embed", net.x, 4)]);
  const parameters = (name: string, gates: number, hidden: number, inputs: number, ways: number) =>
    [
      [ways, gates * hidden, inputs],
      [ways, gates * hidden, hidden],
      [ways, 2 * gates * hidden],
    ].map((shape, i) => weights(shape, 50 + 5 * gates + i, `${name}.${"WRB"[i]}`));
  const both = op(
    "LSTM",
    { hidden_size: 3, direction: "bidirectional" },
    [steps, ...parameters("lstm", 4, 3, 4, 2)],
    "lstm",
  );
  const apart = op("Transpose", { perm: [0, 2, 1, 3] }, [both]);
  const joined = op("Reshape", {}, [apart, list("joined", 0, 0, 6)], "join");
  const gru = operatorOfType.get("GRU")!;
  const [, last] = gru.node({ hidden_size: 5 }, [joined, ...parameters("gru", 3, 5, 6, 1)], "gru")
    .outputs as [Value, Value];
  return net.ends(net.linear("head", op("Squeeze", { axes: [0] }, [last]), 3));
}
