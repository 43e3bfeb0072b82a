import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "./bundles.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string | undefined;

function cache(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "kaibo-cache-"));
    process.once("exit", () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** Runs `kaibo …` as a user does, to its end. */
export function kaibo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle("cli"), ...args], {
      // Nothing of a test stays in the user's own cache.
      env: { ...process.env, XDG_CACHE_HOME: cache(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** One object on stdout, and nothing else there; at most a note on stderr. */
export function json<T>({ stdout, stderr, code }: Ended, expected = 0): T {
  assert.match(stderr, /^(note: [^\n]*\n)?$/);
  assert.equal(code, expected);
  assert.match(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout) as T;
}
