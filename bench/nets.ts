/** One layer of a net: both sides are built from this. */
export interface LayerSpec {
  readonly kind: "conv" | "dense";
  readonly units: number;
  /** Rows and columns of a filter. */
  readonly kernel?: number;
  readonly activation?: "relu" | "sigmoid";
  /** Max-pooling 2×2 after the activation. */
  readonly pool?: boolean;
}

export interface NetSpec {
  readonly id: string;
  /** What is measured, for the table. */
  readonly work: string;
  /** Of one sample. */
  readonly input: readonly number[];
  readonly layers: readonly LayerSpec[];
  readonly samples: number;
  /** Ours over the peer's time: the first target and the aim of the design. */
  readonly target: number;
  readonly aim: number;
}

const conv = (units: number, kernel: number, pool: boolean): LayerSpec => ({
  kind: "conv",
  units,
  kernel,
  activation: "relu",
  pool,
});

const image = [1, 28, 28];

export const NETS: readonly NetSpec[] = [
  {
    id: "P1a",
    work: "Jacobian moments, CNN 3+3 filters, 10 outputs, images 28×28",
    input: image,
    layers: [conv(3, 5, true), conv(3, 3, true), { kind: "dense", units: 10 }],
    samples: 10_000,
    target: 0.35,
    aim: 0.15,
  },
  {
    id: "P1b",
    work: "Jacobian moments, LeNet 6-16 filters 5×5, 10 outputs, images 28×28",
    input: image,
    layers: [conv(6, 5, true), conv(16, 5, true), { kind: "dense", units: 10 }],
    samples: 10_000,
    target: 0.6,
    aim: 0.2,
  },
  {
    id: "P2",
    work: "Jacobian moments, MLP 440–4×1024–45",
    input: [440],
    layers: [
      ...new Array<LayerSpec>(4).fill({ kind: "dense", units: 1024, activation: "sigmoid" }),
      { kind: "dense", units: 45 },
    ],
    samples: 2_000,
    target: 0.9,
    aim: 0.8,
  },
  {
    id: "P3",
    work: "Jacobian moments, CNN 32-64 filters 3×3 + 9216-128-10, images 28×28",
    input: image,
    layers: [
      conv(32, 3, false),
      conv(64, 3, true),
      { kind: "dense", units: 128, activation: "relu" },
      { kind: "dense", units: 10 },
    ],
    samples: 1_000,
    target: 0.8,
    aim: 0.65,
  },
];
