import type { Command } from "./command.ts";
import { importance } from "./importance.ts";
import { inspect } from "./inspect.ts";
import { listCommand } from "./list.ts";
import { prune } from "./prune.ts";
import { serve } from "./serve.ts";

export const commands: readonly Command[] = [inspect, listCommand, importance, prune, serve];
