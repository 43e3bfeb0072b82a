import type { CheckedEdit } from "#core/listing/check.ts";
import { modelOf } from "../lsp/listingUri.ts";
import { editOf, type Snapshot } from "../workspace/snapshot.ts";
import type { Context } from "./context.ts";

/** A listing that is open in an editor, with what is known of its model. */
export interface OpenListing {
  readonly model: string;
  readonly snapshot: Snapshot;
  readonly edit: CheckedEdit;
  readonly version: number;
}

/** The listing behind a URI; undefined when it is not open or none. Rejects with ProblemError when there is no model. */
export async function openListing(context: Context, uri: string): Promise<OpenListing | undefined> {
  const { documents, models, locale } = context;
  const document = documents.get(uri);
  if (document === undefined) return undefined;
  const text = document.getText();
  const { version } = document;
  const model = modelOf(uri, text);
  if (model === undefined) return undefined;
  const snapshot = await (models.peek(model) ?? models.get(model));
  return { model, snapshot, edit: checked(snapshot, text, locale), version };
}

/** The last edit that was checked against a snapshot: hover follows hover over the same text. */
const last = new WeakMap<Snapshot, { text: string; edit: CheckedEdit }>();

function checked(snapshot: Snapshot, text: string, locale: string): CheckedEdit {
  const known = last.get(snapshot);
  if (known?.text === text) return known.edit;
  const edit = editOf(snapshot, text, locale);
  last.set(snapshot, { text, edit });
  return edit;
}
