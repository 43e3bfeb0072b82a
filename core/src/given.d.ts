/** The fields that have a value: what is absent has its default, and undefined is no value. */
export declare function given<T extends object>(
  fields: T,
): {
  [K in keyof T]?: Exclude<T[K], undefined>;
};
