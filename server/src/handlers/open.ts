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

/** The listing behind a URI; undefined when it is not open or its model cannot be found. */
export async function openListing(context: Context, uri: string): Promise<OpenListing | undefined> {
  const document = context.documents.get(uri);
  if (document === undefined) return undefined;
  const text = document.getText();
  const model = modelOf(uri, text);
  const snapshot = model === undefined ? undefined : await known(context, model);
  if (model === undefined || snapshot === undefined) return undefined;
  return {
    model,
    snapshot,
    edit: editOf(snapshot, text, context.locale),
    version: document.version,
  };
}

async function known({ models }: Context, model: string): Promise<Snapshot | undefined> {
  try {
    return await (models.peek(model) ?? models.get(model));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
