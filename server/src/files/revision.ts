import { createHash } from "node:crypto";
import { stampOf } from "./stampOf.ts";

/**
 * Says which content a model has: the hash of its file (`own`) and, where its weights are in files beside it,
 * their times and sizes, since those may be too large to be read whenever a model is looked at.
 */
export async function revisionOf(own: string, beside: readonly string[]): Promise<string> {
  if (beside.length === 0) return own;
  const hash = createHash("sha256").update(own);
  for (const file of beside) hash.update(`\n${(await stampOf(file)).stamp}`);
  return hash.digest("hex");
}
