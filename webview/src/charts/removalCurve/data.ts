import type { RemovalCurveLabels } from "#protocol/panels/removalCurve.ts";
import type { RemovalCurve } from "#protocol/views/curve.ts";

export interface RemovalCurveChart {
  readonly curve: RemovalCurve;
  readonly selected?: SelectedPoint;
  readonly texts?: RemovalCurveLabels;
  /** Pixels; 640 by 360. */
  readonly width?: number;
  readonly height?: number;
  /** Dark ink on white, for a file; otherwise the colours follow the page the chart stands in. */
  readonly paper?: boolean;
}

/** Places in `curve.series` and in the series' points. */
export interface SelectedPoint {
  readonly series: number;
  readonly point: number;
}
