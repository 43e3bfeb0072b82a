import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DataSpec } from "#core/data/spec.ts";
import type { OutputKind } from "#core/explain/readout.ts";

/** What PyTorch's autograd says in float64: see fixtures/pytorch/README.md. */
export type Expected = {
  readonly samples: number;
  readonly accuracy: number;
  readonly firstOutputs: readonly (readonly number[])[];
} & Readonly<Record<OutputKind, ExpectedOutputs>>;

interface ExpectedOutputs {
  readonly layers: readonly ExpectedLayer[];
  readonly input: { readonly shape: readonly number[]; readonly importance: readonly number[] };
}

export const STATISTICS = ["sigma", "gate", "meanAbs", "meanSquare", "scaled", "active"] as const;

export type ExpectedLayer = {
  readonly name: string;
  readonly units: number;
  readonly contribution?: readonly (readonly number[])[];
} & Readonly<Record<(typeof STATISTICS)[number], readonly number[]>>;

export interface PytorchFixture {
  readonly name: string;
  readonly model: string;
  readonly data: DataSpec;
}

export const pytorchFile = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pytorch/${name}`, import.meta.url));

const ofRandomData = (name: string): PytorchFixture => ({
  name,
  model: pytorchFile(`${name}.onnx`),
  data: { data: pytorchFile(`${name}.npz`), preprocess: {} },
});

export const mnistCnn: PytorchFixture = {
  name: "mnist-cnn",
  model: pytorchFile("mnist-cnn.onnx"),
  data: { data: pytorchFile("mnist200-images-idx3-ubyte.gz"), preprocess: { scale: 1 / 255 } },
};
export const sigmoidMlp = ofRandomData("sigmoid-mlp");
export const softmaxMlp = ofRandomData("softmax-mlp");
export const batchnormLenet = ofRandomData("batchnorm-lenet");
export const pytorchFixtures = [mnistCnn, sigmoidMlp, batchnormLenet, softmaxMlp];

export const expectedBy = ({ name }: PytorchFixture): Expected =>
  JSON.parse(readFileSync(pytorchFile(`${name}.json`), "utf8")) as Expected;
