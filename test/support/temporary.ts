import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder for one test; `remove` it afterwards. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "kaibo-test-"));
  return {
    path,
    file: (name: string) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export type TemporaryFolder = ReturnType<typeof temporaryFolder>;
