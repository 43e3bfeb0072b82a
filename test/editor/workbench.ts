/**
 * What a suite can do to the page that shows VS Code, beyond the extension API: look, point, press.
 * On a desktop VS Code there is no such page; `needsPage` skips the tests that want one.
 */
import { setTimeout as delay } from "node:timers/promises";

const bridge = process.env.KAIBO_EDITOR_BRIDGE;

/** First line of a test (or a `before`) that uses anything below other than `until`. */
export function needsPage(context: Mocha.Context): void {
  if (!bridge) context.skip();
}

/** A line in the tests' own report; the extension host's console ends in VS Code's log. */
export async function note(line: string): Promise<void> {
  if (bridge) await ask("print", { line: `      ${line}` });
  else console.log(`      ${line}`);
}

/** Saves what the window shows as a PNG. */
export async function screenshot(file: string): Promise<void> {
  await ask("screenshot", { file });
}

/** The value of a JavaScript expression in the workbench's page; it must survive JSON. */
export function evaluate(expression: string): Promise<unknown> {
  return ask("evaluate", { expression });
}

/** The visible text of every element that matches. */
export async function texts(selector: string): Promise<readonly string[]> {
  const elements = `[...document.querySelectorAll(${JSON.stringify(selector)})]`;
  return (await evaluate(
    `${elements}.map((e) => e.innerText.replaceAll("\\u00a0", " "))`,
  )) as string[];
}

/** The same inside the first webview that holds an element matching `selector`. */
export function evaluateInWebview(expression: string, selector = readyWebview): Promise<unknown> {
  return ask("evaluateInWebview", { selector, expression });
}

/** Every webview's script ends by setting this mark; a click before it is lost. */
export const readyWebview = 'body[data-ready="1"]';

/** One key or chord, such as `Control+Shift+M`. */
export async function press(key: string): Promise<void> {
  await ask("press", { key });
}

export async function type(text: string): Promise<void> {
  await ask("type", { text });
}

export async function click(selector: string): Promise<void> {
  await ask("click", { selector });
}

/** Moves the mouse onto the first place where an editor's line shows this text. */
export async function hoverText(text: string, within = ".monaco-editor .view-line"): Promise<void> {
  await ask("hoverText", { text, within });
}

/**
 * Asks again until the answer is neither `undefined` nor `false`, and gives it.
 * A question that throws counts as not yet; its last error is part of the failure.
 */
export async function until<T>(
  what: string,
  question: () => T | Promise<T>,
  milliseconds = 15_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + milliseconds;
  let reason = "";
  while (Date.now() < deadline) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
      reason = "";
    } catch (error) {
      reason = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    await delay(25);
  }
  throw new Error(`not within ${milliseconds} ms: ${what}${reason}`);
}

async function ask(command: string, details: object): Promise<unknown> {
  if (!bridge) throw new Error("this VS Code has no page to look at; call needsPage first");
  const body = JSON.stringify({ command, ...details });
  const reply = await fetch(bridge, { method: "POST", body });
  const { value, error } = (await reply.json()) as { value?: unknown; error?: string };
  if (error !== undefined) throw new Error(`${command}: ${error}`);
  return value;
}
