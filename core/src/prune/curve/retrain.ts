import { split } from "../../autodiff/split.ts";
import { correctIn } from "../../explain/correct.ts";
import type { Feed } from "../../explain/importance/compute.ts";
import { paddedInput } from "../../explain/padding.ts";
import { readout } from "../../explain/readout.ts";
import { constant, type Graph, type Value } from "../../ir/graph.ts";
import { rebuild } from "../../ir/rewrite.ts";
import { known } from "../../ir/tensor.ts";
import { random } from "../../random.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Blocks } from "../../train/blocks.ts";
import { parametersOf, withWeights } from "../../train/parameters.ts";
import { holdOut, type Source, shuffled } from "../../train/source.ts";
import { splitAt } from "../../train/split.ts";
import { trainHead } from "../../train/trainer.ts";
import { macs } from "../cost.ts";
import { factorsAt, type Maskable } from "./maskable.ts";

export interface RetrainingOptions {
  /** At most. */
  readonly epochs: number;
  /** Of the samples that are held out and of the order of the others. */
  readonly seed: number;
  /** Bytes that are kept of all features. */
  readonly memory?: number;
}

export interface Retraining {
  /**
   * Samples of the test data that are classified as labelled after the removal and training; where
   * nothing is removed, nothing is trained.
   */
  correct(removal: number): Promise<number>;
  release(): Promise<void>;
}

/** Share of the training data that decides which epoch's weights are taken. */
const VALIDATION = 0.1;
const MEMORY = 448 << 20;
/** For what each training keeps of its own features. */
const OWN_MEMORY = 256 << 20;
const SHUFFLED_MEMORY = 32 << 20;

/**
 * Trains the fully connected layers again after each removal (Kanadera, Fig. 13). What comes before the
 * first mask and those layers is computed once and kept as far as the memory goes. The weights are those
 * of the epoch that is best on a tenth of the training data, which is held out.
 * Throws NotTrainable, NoLoss and NotDifferentiable.
 * @param graph `layout.graph`, which has one form, bound to a batch
 */
export async function compileRetraining(
  runtime: Runtime,
  graph: Graph,
  layout: Maskable,
  data: { readonly train: Source; readonly test: Source },
  { epochs, seed, memory = MEMORY }: RetrainingOptions,
): Promise<Retraining> {
  const count = graph.inputs.length - layout.places.length;
  const inputs = graph.inputs.slice(0, count);
  const [original, masked = original] = graph.outputs;
  const head = parametersOf({ inputs, outputs: [original] }, "head").flatMap((p) => p.constants);
  const masks = graph.inputs.slice(count);
  const { primal, transposed } = split(inputs, [...masks, ...head], [], [masked]);
  const features = primal.outputs;
  const stand = transposed.inputs.slice(masks.length + head.length);
  const [batch] = known(graph.inputs[0].shape);
  const prefix = await runtime.compile(primal);
  const parts = holdOut(data.train, VALIDATION, seed);
  const total = data.train.samples + data.test.samples;
  const blocks = (source: Source) =>
    new Blocks(source, { inputs, features }, prefix, (memory * source.samples) / total);
  const [train, validation, test] = [parts.train, parts.validation, data.test].map(blocks);
  /** The part behind the features, for one removal. */
  const after = (removal: number): Graph => {
    const zeros = layout.zeros[removal];
    const factors = new Map<Value, Value>();
    masks.forEach((mask, p) => {
      factors.set(mask, constant(factorsAt(layout.places[p], zeros.get(p))));
    });
    const { graph: own, value } = rebuild(
      { inputs: stand, outputs: transposed.outputs },
      (node) => {
        const factor = factors.get(node.outputs[0]);
        return factor && [factor];
      },
    );
    return { inputs: stand.map(value), outputs: own.outputs };
  };
  const retrained = async (own: Graph): Promise<Graph> => {
    const cut = splitAt(own, parametersOf(own, "head"));
    const cheap = cut.prefix === undefined || macs(cut.prefix) === 0;
    const order = train.kept ? random(seed + 1) : undefined;
    const { best } = await trainHead(
      runtime,
      own,
      {
        train: featureSource(train, batch, order && ((n) => shuffled(n, order))),
        validation: featureSource(validation, batch),
      },
      { epochs, seed, memory: cheap && train.kept ? SHUFFLED_MEMORY : OWN_MEMORY },
    );
    return withWeights(own, best.weights);
  };
  return {
    async correct(removal) {
      const own = after(removal);
      const trained = layout.zeros[removal].size === 0 ? own : await retrained(own);
      const { z } = readout(trained, "logits");
      const program = await runtime.compile({ inputs: trained.inputs, outputs: [z] });
      let correct = 0;
      for await (const feed of featureSource(test, batch).pass()) {
        const x = trained.inputs.map((v, i) => paddedInput(feed.inputs[i], feed.count, v));
        const [logits] = await program.run(x);
        correct += correctIn(logits, feed.labels!);
      }
      await program.release();
      return correct;
    },
    release: () => prefix.release(),
  };
}

/**
 * Features as data of the graph behind them.
 * @param order of the samples of a block, new for every pass
 */
function featureSource(
  blocks: Blocks,
  batch: number,
  order: (count: number) => Uint32Array = (n) => Uint32Array.from({ length: n }, (_, i) => i),
): Source {
  const { name, samples } = blocks.source;
  return {
    name,
    samples,
    async *pass(): AsyncGenerator<Feed> {
      let from = 0;
      for await (const rows of blocks.pass()) {
        if (rows === undefined) continue;
        const places = order(rows.count);
        for (let at = 0; at < places.length; at += batch) {
          const { data, labels } = rows.take(places.subarray(at, at + batch));
          yield { from, count: labels.length, inputs: data, labels };
          from += labels.length;
        }
      }
    },
  };
}
