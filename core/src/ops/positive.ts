import type { Value } from "../ir/graph.ts";
import { cast } from "./cast.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";

/** 1 where x > 0, else 0, in x's type: the derivative of max(x, 0), 0 at 0 as in every framework. */
export const positive = (x: Value): Value => cast({ to: x.dtype }, greater({}, x, literal(x, 0)));
