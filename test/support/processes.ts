import { readFileSync } from "node:fs";

/** Whether a process is there (signal 0 only asks). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits, turn by turn of the event loop, until the processes are gone. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until processes that are not ours to reap have ended. */
export async function ended(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid) && !isZombie(pid)))
    await new Promise((resolve) => setImmediate(resolve));
}

/** Ended, but whoever adopted it has not asked for its exit code yet. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
