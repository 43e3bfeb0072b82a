import type { Epoch } from "#core/train/trainer.ts";

/** How training goes, in words. */
interface RetrainMessages {
  /** What an epoch came to on the samples that are held out; epoch 0 is before training. */
  epoch(found: Epoch, epochs: number): string;
}

const en: RetrainMessages = {
  epoch: (found, epochs) =>
    `epoch ${found.epoch} of ${epochs}: ${quality(found, "loss", "accuracy")}`,
};

const ja: RetrainMessages = {
  epoch: (found, epochs) =>
    `エポック ${found.epoch} / ${epochs}: ${quality(found, "損失", "正解率")}`,
};

const quality = ({ validation }: Epoch, loss: string, accuracy: string): string =>
  `${loss} ${validation.loss.toPrecision(3)}${validation.accuracy === undefined ? "" : `, ${accuracy} ${validation.accuracy.toFixed(4)}`}`;

export const retrainMessages = (locale: string): RetrainMessages =>
  locale.toLowerCase().startsWith("ja") ? ja : en;
