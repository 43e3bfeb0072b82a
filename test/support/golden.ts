import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The text equals the golden file `test/golden/<name>`; `UPDATE_GOLDEN=1` writes the file instead. */
export function golden(name: string, text: string): void {
  const path = join(fileURLToPath(new URL("../golden/", import.meta.url)), name);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(
    text,
    readFileSync(path, "utf8"),
    `${name} differs; UPDATE_GOLDEN=1 accepts the new one`,
  );
}
