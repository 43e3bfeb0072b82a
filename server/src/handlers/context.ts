import type { Connection, TextDocuments } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import type { Models } from "../workspace/models.ts";
import type { Prunes } from "../workspace/prunes.ts";

/** What every handler gets. */
export interface Context {
  readonly connection: Connection;
  readonly documents: TextDocuments<TextDocument>;
  readonly models: Models;
  readonly prunes: Prunes;
  readonly locale: string;
}
