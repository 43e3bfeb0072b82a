/** Nodes of a model, functions put in. */
export const MOST_NODES = 1_000_000;
