import type { Command } from "./command.ts";
import { curve } from "./curve.ts";
import { diff } from "./diff.ts";
import { importance } from "./importance.ts";
import { inspect } from "./inspect.ts";
import { listCommand } from "./list.ts";
import { plan } from "./plan.ts";
import { prune } from "./prune.ts";
import { rank } from "./rank.ts";
import { retrain } from "./retrain.ts";
import { serve } from "./serve.ts";
import { smallest } from "./smallest.ts";

export const commands: readonly Command[] = [
  inspect,
  listCommand,
  diff,
  importance,
  plan,
  prune,
  curve,
  rank,
  retrain,
  smallest,
  serve,
];
