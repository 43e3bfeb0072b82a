import { classBars } from "./classBars.ts";
import { kernel } from "./kernel.ts";
import { removalCurve } from "./removalCurve.ts";

/** Every chart: golden tests and the gallery draw the example of each. */
export const charts = { classBars, kernel, removalCurve } as const;
