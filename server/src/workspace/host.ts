import type { ConfirmParams, ModelStatusParams, Settings } from "#protocol/requests.ts";
import type { Control } from "../compute/pool.ts";

/** What the models need of the editor. */
export interface Host {
  settings(): Promise<Settings>;
  readonly locale: string;
  /** A model's listing is another one now. */
  changed(path: string): void;
  /** Its results could not be computed; the snapshot says why. */
  failed(path: string): void;
  /** Other findings, of the same listing. */
  found(path: string): void;
  status(status: ModelStatusParams): void;
  /** Runs work with progress that can be cancelled. */
  withProgress<T>(title: string, work: (control: Control) => Promise<T>): Promise<T>;
  /** Asks the user; false where nobody answers. */
  confirm(question: ConfirmParams): Promise<boolean>;
  log(text: string): void;
}
