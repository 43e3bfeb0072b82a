import { unary } from "./elementwise.ts";

export const sign = unary<object>({ type: "Sign", of: Math.sign, gradient: "none" });
