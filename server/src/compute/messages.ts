import type { Problem } from "#core/problem.ts";
import type { Allowance } from "../files/limits.ts";

/** Parent → compute process. One job at a time; a run goes over samples [from, to). */
export type ToCompute =
  | {
      readonly kind: "open";
      readonly job: number;
      readonly task: string;
      readonly params: unknown;
      readonly allowed: Allowance;
    }
  | { readonly kind: "run"; readonly job: number; readonly from: number; readonly to: number }
  | { readonly kind: "close"; readonly job: number };

/** Compute process → parent. */
export type FromCompute =
  | {
      readonly kind: "opened";
      readonly job: number;
      readonly samples: number;
      readonly batch: number;
      readonly shardSize?: number;
      readonly info: unknown;
    }
  | {
      readonly kind: "partial";
      readonly job: number;
      readonly from: number;
      readonly partial: unknown;
    }
  | { readonly kind: "failed"; readonly job: number; readonly problem: Problem };
