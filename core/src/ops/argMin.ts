import { argReduce } from "./argReduce.ts";

export const argMin = argReduce("ArgMin", (a, b) => a < b);
