import { constant, type Graph } from "#core/ir/graph.ts";
import { op } from "../../support/build.ts";
import { flat, Net, type Plant, type Planted, pool, relu } from "../../support/float64Net.ts";

export interface Row {
  readonly title: string;
  readonly make: () => Graph;
  readonly told: readonly string[];
  /** Of those told that go, with all that is coupled. */
  readonly gone: number;
}

export const CASES: readonly Row[] = [
  {
    title: "duplicates behind Conv, BatchNormalization, Relu and a padded Conv",
    make: () => {
      const net = new Net(1, 2, 6, 6);
      const same: Plant = (u) => ({ 3: 1, 4: 1 })[u];
      const a = relu(net.norm("bn", net.conv("a", net.x, 6, { plant: same, pads: 1 }), same));
      const b = relu(net.conv("b", a, 4, { pads: 1 }));
      return net.graph(net.gemm("fc", flat(pool(b)), 3));
    },
    told: ["a 3 duplicate of 1", "a 4 duplicate of 1"],
    gone: 2,
  },
  {
    title: "no duplicate where the normalisation tells them apart",
    make: () => {
      const net = new Net(2, 2, 6, 6);
      const a = relu(
        net.norm("bn", net.conv("a", net.x, 6, { plant: (u) => (u === 3 ? 1 : undefined) })),
      );
      return net.graph(net.gemm("fc", flat(pool(a)), 3));
    },
    told: [],
    gone: 0,
  },
  {
    title: "duplicates and constants through MaxPool, Flatten and Gemm",
    make: () => {
      const net = new Net(3, 1, 8, 8);
      const zero: Plant = (u) => (u === 2 ? { all: 0 } : u === 4 ? 0 : undefined);
      const a = relu(
        net.conv("a", net.x, 5, {
          plant: zero,
          bias: (u) => (u === 2 ? { all: 0.75 } : u === 4 ? 0 : undefined),
        }),
      );
      const p = op("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [a]);
      return net.graph(net.gemm("fc2", relu(net.gemm("fc1", flat(p), 4)), 3));
    },
    told: ["a 2 constant", "a 4 duplicate of 0"],
    gone: 2,
  },
  {
    title: "a constant that zero padding makes visible stays, with the reason; zero goes",
    make: () => {
      const net = new Net(4, 1, 6, 6);
      const a = relu(
        net.conv("a", net.x, 5, {
          plant: (u) => (u >= 3 ? { all: 0 } : undefined),
          bias: (u) => (u === 3 ? { all: 0.5 } : u === 4 ? { all: -0.5 } : undefined),
        }),
      );
      return net.graph(net.gemm("fc", flat(pool(relu(net.conv("b", a, 3, { pads: 1 })))), 3));
    },
    told: ["a 3 constant (borders)", "a 4 dead"],
    gone: 1,
  },
  {
    title: "equal constants before zero padding: one stays for all",
    make: () => {
      const net = new Net(5, 1, 6, 6);
      const a = relu(
        net.conv("a", net.x, 5, {
          plant: (u) => (u >= 2 ? { all: 0 } : undefined),
          bias: (u) => (u >= 2 ? { all: 0.5 } : undefined),
        }),
      );
      return net.graph(net.gemm("fc", flat(pool(relu(net.conv("b", a, 3, { pads: 1 })))), 3));
    },
    told: ["a 2 constant (borders)", "a 3 constant", "a 4 constant"],
    gone: 2,
  },
  {
    title: "units that Relu silences for every input that is not negative",
    make: () => {
      const net = new Net(6, 3);
      const a = relu(net.gemm("a", net.x, 6));
      const b = relu(
        net.gemm("b", a, 5, { plant: (u) => (u === 1 ? (v) => -Math.abs(v) : undefined) }),
      );
      const c = op("Sigmoid", {}, [
        net.gemm("c", b, 4, { plant: (u) => (u === 2 ? { all: 0 } : undefined) }),
      ]);
      return net.graph(net.gemm("fc", c, 2));
    },
    // c 2 is Sigmoid(0) = 0.5 for every input.
    told: ["b 1 dead", "c 2 constant"],
    gone: 2,
  },
  {
    title: "units whose weights are read with 0 alone",
    make: () => {
      const net = new Net(7, 3);
      const a = relu(net.gemm("a", net.x, 4));
      const w = net.tensor("fc.weight", [4, 2], (u) => (u === 2 ? { all: 0 } : undefined));
      return net.graph(op("Gemm", {}, [a, w], "fc"));
    },
    told: ["a 2 unread"],
    gone: 1,
  },
  {
    title: "chains: equal inputs make equal units behind them",
    make: () => {
      const net = new Net(8, 3);
      const a = relu(net.gemm("a", net.x, 4, { plant: (u) => (u === 3 ? 0 : undefined) }));
      // Rows of b that differ only in how they divide among the equal inputs 0 and 3.
      const w = Float64Array.of(1, 2, -1, 3, 3, 2, -1, 1, 0.5, 1, 1, 1);
      const b = op(
        "Gemm",
        { transB: 1 },
        [a, constant({ dtype: "float64", shape: [3, 4], data: w }, "b.weight")],
        "b",
      );
      return net.graph(net.gemm("fc", relu(b), 2));
    },
    told: ["a 3 duplicate of 0", "b 1 duplicate of 0"],
    gone: 2,
  },
  {
    title: "a residual sum: only what is equal in both branches goes, as one group",
    make: () => {
      const net = new Net(9, 2, 6, 6);
      const both: Plant = (u) => (u === 4 ? 2 : undefined);
      const stem = net.conv("stem", net.x, 5, {
        plant: (u) => (u === 4 ? 2 : u === 1 ? 0 : undefined),
        pads: 1,
      });
      const a = relu(net.conv("a", relu(stem), 3, { pads: 1 }));
      const sum = op("Add", {}, [net.conv("b", a, 5, { plant: both, pads: 1 }), stem]);
      return net.graph(net.gemm("fc", flat(pool(relu(sum))), 3));
    },
    told: ["b 4 duplicate of 2", "stem 4 duplicate of 2"],
    gone: 2,
  },
  {
    title: "Concat, depthwise convolution and Clip",
    make: () => {
      const net = new Net(10, 2, 9, 9);
      const plant: Plant = (u) => (u === 2 ? 0 : undefined);
      const a = net.conv("a", net.x, 4, { plant });
      const bounds = [0, 6].map((v) =>
        constant({ dtype: "float64", shape: [], data: Float64Array.of(v) }),
      );
      const deep = op("Clip", {}, [net.conv("deep", a, 4, { plant, group: 4 }), ...bounds]);
      const c = op("Concat", { axis: 1 }, [deep, net.conv("c", a, 3)]);
      return net.graph(net.gemm("fc", flat(pool(relu(net.conv("d", c, 3)))), 2));
    },
    told: ["a 2 duplicate of 0", "deep 2 duplicate of 0"],
    gone: 2,
  },
  {
    title:
      "a constant goes to the mean of the next normalisation, or to an Add, where there is no bias",
    make: () => {
      const net = new Net(11, 3);
      const half: Planted = {
        plant: (u) => (u === 1 ? { all: 0 } : undefined),
        bias: (u) => (u === 1 ? { all: 2 } : undefined),
      };
      const a = relu(net.gemm("a", net.x, 4, half));
      const b = op("MatMul", {}, [a, net.tensor("b.weight", [4, 4])], "b");
      const c = relu(op("Add", {}, [net.tensor("b.bias", [4], half.bias), b]));
      const d = op("MatMul", {}, [c, net.tensor("d.weight", [4, 5])], "d");
      return net.graph(net.gemm("fc", relu(net.norm("bn", d)), 2));
    },
    told: ["a 1 constant"],
    gone: 1,
  },
  {
    title: "a constant that no bias can take stays",
    make: () => {
      const net = new Net(12, 3);
      const half: Planted = {
        plant: (u) => (u === 1 ? { all: 0 } : undefined),
        bias: (u) => (u === 1 ? { all: 2 } : undefined),
      };
      const a = relu(net.gemm("a", net.x, 4, half));
      return net.graph(op("MatMul", {}, [a, net.tensor("fc.weight", [4, 2])], "fc"));
    },
    told: ["a 1 constant (bias)"],
    gone: 0,
  },
  {
    title: "shared weights are not written",
    make: () => {
      const net = new Net(13, 3);
      const a = relu(net.gemm("a", net.x, 4, { plant: (u) => (u === 3 ? 0 : undefined) }));
      const w = net.tensor("w", [4, 4]);
      const b = op("MatMul", {}, [a, w], "b");
      return net.graph(
        op("Concat", { axis: 1 }, [b, op("MatMul", {}, [net.gemm("e", net.x, 4), w], "f")]),
      );
    },
    told: ["a 3 duplicate of 0 (stored)"],
    gone: 0,
  },
];
