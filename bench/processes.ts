import { readFileSync } from "node:fs";

/** Ticks a second of /proc: fixed on Linux. */
const TICKS = 100;

/** CPU seconds that processes have used so far, all threads; undefined where there is no /proc. */
export const cpuSeconds = (pids: readonly number[]): number | undefined =>
  total(pids, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the name, which may hold anything: state is field 3, utime 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  });

/** The most resident memory that processes have had, in bytes; undefined where there is no /proc. */
export const peakMemory = (pids: readonly number[]): number | undefined =>
  total(pids, (pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
  });

function total(pids: readonly number[], read: (pid: number) => number): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + read(pid), 0);
  } catch {
    return undefined;
  }
}
