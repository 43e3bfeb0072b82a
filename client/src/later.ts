/** Begins when this turn of the event loop is over: whoever calls is not kept waiting. */
export function later<T>(begin: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => begin().then(resolve, reject));
  });
}
