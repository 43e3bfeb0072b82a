import { fail } from "../../problem.ts";
import type { Step } from "./program.ts";

export const placeOf = ({ name, index }: Step): string => `node ${name} (number ${index})`;

/**
 * The steps, each after those it reads from; the file's own order where that is so. Throws ProblemError
 * at a name that is given twice and at a cycle.
 */
export function inOrder(
  steps: readonly Step[],
  given: ReadonlySet<string>,
  file: string,
): readonly Step[] {
  const place = (i: number) => placeOf(steps[i]);
  const producer = new Map<string, number>();
  steps.forEach(({ proto }, i) => {
    for (const name of proto.outputs) {
      if (name === "") continue;
      if (producer.has(name) || given.has(name))
        fail("unreadable-model", `the name "${name}" is given to two values`, file, place(i));
      producer.set(name, i);
    }
  });
  const order: Step[] = [];
  const state = new Uint8Array(steps.length);
  const [OPEN, DONE] = [1, 2];
  for (let root = 0; root < steps.length; root++) {
    const stack = [root];
    while (stack.length > 0) {
      const i = stack[stack.length - 1];
      if (state[i] === 0) {
        state[i] = OPEN;
        for (const name of [...steps[i].proto.inputs, ...steps[i].captures].reverse()) {
          const from = producer.get(name);
          if (from === undefined || state[from] === DONE) continue;
          if (state[from] === OPEN)
            fail(
              "unreadable-model",
              `the graph is a cycle: "${name}" depends on itself`,
              file,
              place(i),
            );
          stack.push(from);
        }
      } else {
        stack.pop();
        if (state[i] === OPEN) order.push(steps[i]);
        state[i] = DONE;
      }
    }
  }
  return order;
}
