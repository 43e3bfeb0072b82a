import { join } from "node:path";

/** The bundle of child.ts lies beside the bundle that runs (dist/). Tests name it themselves. */
export const computeScript = (): string =>
  process.env.KAIBO_COMPUTE ?? join(__dirname, "compute.cjs");
