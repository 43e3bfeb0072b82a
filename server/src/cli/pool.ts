import { defined } from "#core/defined.ts";
import { Pool } from "../compute/pool.ts";
import { computeScript } from "../compute/script.ts";

let pool: Pool | undefined;

/** The compute processes of this run of the CLI. */
export function cliPool(processes: number | undefined): Pool {
  pool ??= new Pool({ script: computeScript(), ...defined({ processes }) });
  return pool;
}

export function disposePool(): void {
  pool?.dispose();
}
