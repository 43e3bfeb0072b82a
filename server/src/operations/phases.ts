import { defined } from "#core/defined.ts";
import type { Control } from "../compute/pool.ts";

/**
 * Controls for computations that follow each other, so that progress goes once from nothing to all: each
 * has an equal share. Checkpoints are of one computation, and not handed on. How long a computation takes
 * is known only of the one that runs: the time left is told of the last, and where all are alike.
 */
export function phases(
  { signal, progress }: Control,
  count: number,
  { alike = false } = {},
): readonly Control[] {
  let unit: number | undefined;
  let whole: number | undefined;
  return Array.from(
    { length: count },
    (_, phase): Control => ({
      ...defined({ signal }),
      ...(progress === undefined
        ? {}
        : {
            progress(done, total, left) {
              unit ??= total;
              const others = count - 1 - phase;
              if (left !== undefined && done < total) whole = (left * total) / (total - done);
              const behind = others === 0 ? 0 : alike && whole !== undefined && others * whole;
              progress(
                Math.round((phase + done / total) * unit),
                count * unit,
                left === undefined || behind === false ? undefined : left + behind,
              );
            },
          }),
    }),
  );
}
