import type { Connection, TextDocuments } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Pool } from "../compute/pool.ts";
import type { Curves } from "../workspace/curves.ts";
import type { Guarding } from "../workspace/guarding.ts";
import type { Models } from "../workspace/models.ts";
import type { Prunes } from "../workspace/prunes.ts";
import type { Retraining } from "../workspace/retraining.ts";

/** What every handler gets. */
export interface Context {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly pool: Pool;
  readonly models: Models;
  readonly prunes: Prunes;
  readonly curves: Curves;
  readonly guarding: Guarding;
  readonly retraining: Retraining;
  /** The editor shows places that belong to a diagnostic. */
  readonly relates: boolean;
  readonly locale: string;
}
