import type { Checkbox } from "@vscode/webview-ui-toolkit";
import { registerToolkit } from "./toolkit.ts";

export function checkbox(
  text: string,
  checked: boolean,
  changed: (checked: boolean) => void,
): Checkbox {
  registerToolkit();
  const made = document.createElement("vscode-checkbox") as Checkbox;
  made.textContent = text;
  made.checked = checked;
  // It also tells of what the program sets.
  let last = checked;
  made.addEventListener("change", () => {
    if (made.checked === last) return;
    last = made.checked;
    changed(last);
  });
  return made;
}
