import type { Kernel } from "#protocol/views/kernel.ts";
import type { Chart } from "./chart.ts";
import { colour, step } from "./diverging.ts";
import { digits, FONT, INK, px, svg } from "./svg.ts";

/** A filter's weights, a tile for each input channel: red positive, blue negative, white none. */
export const kernel: Chart<Kernel> = {
  name: "kernel",
  render(data) {
    const largest = largestOf(data.weights);
    const { tiles, width, height, cell, columns, more } = layout(data);
    const [tileWidth, tileHeight] = [width * cell, height * cell];
    const drawn = tiles.map((tile, i) => {
      const x = 1 + (i % columns) * (tileWidth + GAP);
      const y = 1 + Math.floor(i / columns) * (tileHeight + GAP);
      const frame = `<rect width='${width}' height='${height}'/>`;
      return `<g transform='translate(${x} ${y}) scale(${cell})'>${frame}<g stroke='none'>${cells(data.weights, tile, width, largest)}</g></g>`;
    });
    const bottom = Math.ceil(tiles.length / columns) * (tileHeight + GAP) + 10;
    const scale = `|w| ≤ ${digits(largest)}${more}`;
    const text = `<text y='${px(bottom)}' ${FONT} fill='${INK}'>${scale}</text>`;
    const label = `kernel ${data.shape.join("x")}, largest weight ${digits(largest)}`;
    const total = Math.max(Math.min(columns, tiles.length) * (tileWidth + GAP), scale.length * 6.5);
    const content = [
      `<g stroke='${INK}' stroke-width='${px(2 / cell)}' stroke-opacity='.6'>`,
      ...drawn,
      "</g>",
      text,
    ];
    return svg(Math.ceil(total), Math.ceil(bottom + 4), label, content);
  },
  table: ({ shape: [channels, height, width], weights }) => ({
    columns: ["channel", "row", "column", "weight"],
    rows: Array.from({ length: channels * height * width }, (_, i) => [
      Math.floor(i / (height * width)),
      Math.floor(i / width) % height,
      i % width,
      weights[i] ?? 0,
    ]),
  }),
  example: {
    // An edge, a blob and their opposites: 4 channels of 5x5.
    shape: [4, 5, 5],
    weights: Array.from({ length: 100 }, (_, i) => {
      const [x, y, channel] = [(i % 5) - 2, (Math.floor(i / 5) % 5) - 2, Math.floor(i / 25)];
      const shape = channel % 2 === 0 ? x / 2 : Math.exp(-(x * x + y * y) / 2) * 2 - 0.5;
      return channel < 2 ? shape : -0.4 * shape;
    }),
  },
};

/** The weights of a dense unit: an image where its input is known to be one, else a strip. */
export function denseKernel(weights: ArrayLike<number>, input?: readonly number[]): Kernel {
  const [channels, height, width] = input?.length === 2 ? [1, ...input] : (input ?? []);
  return channels !== undefined &&
    height !== undefined &&
    width !== undefined &&
    input!.length <= 3 &&
    channels * height * width === weights.length
    ? { shape: [channels, height, width], weights }
    : { shape: [1, 1, weights.length], weights };
}

const WIDTH = 256;
const GAP = 4;
const MOST_TILES = 32;
/** A picture in a hover has to stay under 100,000 characters. */
const MOST_CELLS = 4096;
const MOST_IN_STRIP = 2048;

interface Tile {
  /** Weights [from, to) of the flat list. */
  readonly from: number;
  readonly to: number;
}

interface Layout {
  readonly tiles: readonly Tile[];
  /** Of a tile, in cells. */
  readonly width: number;
  readonly height: number;
  /** Pixels of a cell's side. */
  readonly cell: number;
  /** Tiles beside each other. */
  readonly columns: number;
  /** What is left out, as text. */
  readonly more: string;
}

function layout({ shape: [channels, height, width] }: Kernel): Layout {
  const size = height * width;
  if ((height === 1 && width > 32) || size > MOST_CELLS) return stripLayout(channels * size);
  const shown = Math.min(channels, MOST_TILES, Math.floor(MOST_CELLS / Math.max(1, size)));
  const columns = Math.max(
    1,
    Math.min(shown, width <= 2 ? 16 : 8, Math.floor(WIDTH / (2 * width + GAP))),
  );
  return {
    tiles: Array.from({ length: shown }, (_, c) => ({ from: c * size, to: (c + 1) * size })),
    width,
    height,
    cell: Math.max(1, Math.min(14, Math.floor((WIDTH / columns - GAP) / Math.max(1, width)))),
    columns,
    more: channels > shown ? `, +${channels - shown} channels` : "",
  };
}

/** A long row of weights breaks into lines. */
function stripLayout(weights: number): Layout {
  const shown = Math.min(weights, MOST_IN_STRIP);
  const width = weights > 256 ? 64 : 32;
  return {
    tiles: [{ from: 0, to: shown }],
    width,
    height: Math.ceil(shown / width),
    cell: Math.floor((WIDTH - GAP) / width),
    columns: 1,
    more: weights > shown ? `, +${weights - shown} weights` : "",
  };
}

/** One path for each colour, a stroke for each run of cells of that colour. */
function cells(
  weights: ArrayLike<number>,
  { from, to }: Tile,
  width: number,
  largest: number,
): string {
  const paths = new Map<number, string>();
  for (let i = from; i < to; ) {
    const colourStep = step(largest === 0 ? 0 : (weights[i] ?? 0) / largest);
    const lineEnd = Math.min(to, i + width - ((i - from) % width));
    let end = i + 1;
    while (end < lineEnd && step(largest === 0 ? 0 : (weights[end] ?? 0) / largest) === colourStep)
      end++;
    const x = (i - from) % width;
    const y = Math.floor((i - from) / width);
    paths.set(colourStep, `${paths.get(colourStep) ?? ""}M${x},${y}h${end - i}v1H${x}`);
    i = end;
  }
  return [...paths]
    .sort(([a], [b]) => a - b)
    .map(([at, d]) => `<path fill='${colour(at)}' d='${d}'/>`)
    .join("");
}

function largestOf(weights: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) {
    const size = Math.abs(weights[i]!);
    if (Number.isFinite(size) && size > largest) largest = size;
  }
  return largest;
}
