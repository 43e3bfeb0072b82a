import { resolve } from "node:path";
import { type Limits, NO_LIMITS, USUAL_LIMITS } from "#core/limits.ts";

/**
 * What this process reads at most. One place for the whole process, as the working directory is: every
 * reading of a file obeys, whoever asks for it, and compute processes are told with each job.
 */
export interface Allowance {
  readonly limits: Limits;
  /** Files, and folders of data, that are opened whatever their size; "all": any. */
  readonly anyway: "all" | readonly string[];
}

let limits: Limits = USUAL_LIMITS;
let all = false;
const anyway = new Set<string>();

/** The limits of a file that is opened: those of the settings, or none. */
export const limitsFor = (path: string): Limits =>
  all || anyway.has(resolve(path)) ? NO_LIMITS : limits;

export function setLimits(now: Limits): void {
  limits = now;
}

/** From now on the file is opened whatever its size. */
export function openAnyway(path: string): void {
  anyway.add(resolve(path));
}

/** Every file is. */
export function openAllAnyway(): void {
  all = true;
}

/** The limits are for the file again. */
export function withinLimits(path: string): void {
  anyway.delete(resolve(path));
}

/** As plain data for another process. */
export const allowance = (): Allowance => ({ limits, anyway: all ? "all" : [...anyway] });

/** Takes over what the parent process allows. */
export function adopt(given: Allowance): void {
  limits = given.limits;
  all = given.anyway === "all";
  anyway.clear();
  if (given.anyway !== "all") for (const path of given.anyway) anyway.add(path);
}
