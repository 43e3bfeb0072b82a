import { classBars } from "./classBars.ts";
import { kernel } from "./kernel.ts";

/** Every chart: golden tests and the gallery draw the example of each. */
export const charts = { classBars, kernel } as const;
