/** The two sides of a comparison of models, as documents that cannot be edited. */
import * as vscode from "vscode";
import { listingUri } from "../listingUri.ts";

const scheme = "kaibo-compared";

export type ComparedListings = ReturnType<typeof comparedListings>;

export function comparedListings() {
  const texts = new Map<string, string>();
  const changes = new vscode.EventEmitter<vscode.Uri>();
  const registrations = vscode.Disposable.from(
    changes,
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: changes.event,
      provideTextDocumentContent: (uri) => texts.get(uri.toString()),
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => texts.delete(uri.toString())),
  );
  return {
    /** One document for each model of a pair, however often the pair is compared. */
    show(model: string, other: string, text: string): vscode.Uri {
      const uri = listingUri(model).with({ scheme, query: other });
      texts.set(uri.toString(), text);
      changes.fire(uri);
      return uri;
    },
    dispose: () => registrations.dispose(),
  };
}
