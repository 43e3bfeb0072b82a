import { paddedInput } from "../explain/padding.ts";
import type { Value } from "../ir/graph.ts";
import { float32, known, scalar, size, type Tensor } from "../ir/tensor.ts";
import type { Program, Runtime } from "../runtime/runtime.ts";
import type { Optimiser } from "./optimisers.ts";
import type { Rows } from "./rows.ts";
import type { Step } from "./step.ts";

/** Sums over samples. */
export interface Score {
  readonly samples: number;
  readonly loss: number;
  readonly correct: number;
}

/** A compiled step with its parameters and the state of the optimiser: they stay in the runtime. */
export class Machine {
  readonly #step: Step;
  readonly #optimiser: Optimiser;
  readonly #train: Program;
  readonly #evaluate: Program;
  readonly #features: readonly Value[];
  readonly #batch: number;
  #parameters: readonly Tensor[];
  #slots: readonly Tensor[];
  #steps = 0;

  private constructor(step: Step, optimiser: Optimiser, train: Program, evaluate: Program) {
    this.#step = step;
    this.#optimiser = optimiser;
    this.#train = train;
    this.#evaluate = evaluate;
    this.#features = step.train.inputs.slice(0, step.cut.features);
    [this.#batch] = known(step.targets.shape);
    this.#parameters = step.parameters.map((p) => p.tensor);
    this.#slots = step.parameters.flatMap(({ tensor: { shape } }) =>
      Array.from({ length: optimiser.slots }, () => float32(shape, new Float32Array(size(shape)))),
    );
  }

  static async compile(runtime: Runtime, step: Step, optimiser: Optimiser): Promise<Machine> {
    const train = await runtime.compile(step.train);
    const evaluate = await runtime.compile(step.evaluate);
    return new Machine(step, optimiser, train, evaluate);
  }

  /** Samples in one step. */
  get batch(): number {
    return this.#batch;
  }

  /** The parameters now, by name; later steps do not change them. */
  weights(): ReadonlyMap<string, Float32Array> {
    return new Map(
      this.#step.parameters.map(({ name }, i) => [
        name,
        Float32Array.from(this.#parameters[i].data),
      ]),
    );
  }

  async step(rows: Rows, places: Uint32Array, rate: number): Promise<Score> {
    this.#steps++;
    const numbers = this.#optimiser.coefficients(rate, this.#steps).map(scalar);
    const [loss, correct, ...state] = await this.#train.run([
      ...this.#feed(rows, places),
      ...numbers,
      ...this.#parameters,
      ...this.#slots,
    ]);
    this.#parameters = state.slice(0, this.#parameters.length);
    this.#slots = state.slice(this.#parameters.length);
    return { samples: places.length, loss: loss.data[0], correct: correct.data[0] };
  }

  async evaluate(rows: Rows, places: Uint32Array): Promise<Score> {
    const [loss, correct] = await this.#evaluate.run([
      ...this.#feed(rows, places),
      ...this.#parameters,
    ]);
    return { samples: places.length, loss: loss.data[0], correct: correct.data[0] };
  }

  async release(): Promise<void> {
    await this.#train.release();
    await this.#evaluate.release();
  }

  /** Features, targets and the weights of the samples; a short batch is filled up with weight 0. */
  #feed(rows: Rows, places: Uint32Array): readonly Tensor[] {
    const count = places.length;
    const { data, labels } = rows.take(places);
    const features = this.#features.map((v, i) => paddedInput(data[i], count, v));
    const shape = known(this.#step.targets.shape);
    const targets = new (this.#step.targets.dtype === "int32" ? Int32Array : Float32Array)(
      size(shape),
    );
    targets.set(labels);
    const w = Float32Array.from({ length: this.#batch }, (_, i) => (i < count ? 1 : 0));
    return [
      ...features,
      { dtype: this.#step.targets.dtype, shape, data: targets },
      float32([this.#batch], w),
    ];
  }
}
