/** The weights that lead into one unit, as pictures: one tile for each input channel. */
export interface Kernel {
  /** A dense unit whose input is no image is one channel of height 1: a strip. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** channels × height × width, row-major. */
  readonly weights: ArrayLike<number>;
}
