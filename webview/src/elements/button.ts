import type { Button, ButtonAppearance } from "@vscode/webview-ui-toolkit";
import { registerToolkit } from "./toolkit.ts";

/** `run` may fail: whoever makes the button says what becomes of that. */
export function button(
  text: string,
  run: () => void,
  appearance: ButtonAppearance = "secondary",
): Button {
  registerToolkit();
  const made = document.createElement("vscode-button") as Button;
  made.appearance = appearance;
  made.textContent = text;
  made.addEventListener("click", () => {
    if (!made.disabled) run();
  });
  return made;
}
