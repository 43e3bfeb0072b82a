import { argReduce } from "./argReduce.ts";

export const argMax = argReduce("ArgMax", (a, b) => a > b);
