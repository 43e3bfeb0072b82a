/** Listings as they were before a prune and as they were saved: the two sides of "Show". */
import * as vscode from "vscode";

const scheme = "kaibo-before";

export type PastListings = ReturnType<typeof pastListings>;

export function pastListings() {
  const texts = new Map<string, string>();
  const registration = vscode.workspace.registerTextDocumentContentProvider(scheme, {
    provideTextDocumentContent: (uri) => texts.get(uri.toString()),
  });
  return {
    /** `name` tells one prune of the same model from another. */
    keep(uri: vscode.Uri, name: string, text: string): vscode.Uri {
      const past = uri.with({ scheme, query: name });
      texts.set(past.toString(), text);
      return past;
    },
    drop: (past: vscode.Uri): boolean => texts.delete(past.toString()),
    dispose: () => registration.dispose(),
  };
}
