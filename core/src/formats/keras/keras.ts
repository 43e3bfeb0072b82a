import type { Format } from "../format.ts";
import { applyEdits } from "./edit.ts";
import { isHdf5 } from "./hdf5/hdf5.ts";
import { read } from "./read.ts";

/** Keras, https://keras.io: `.keras` (a zip of configuration and weights) and `.h5` (HDF5 with both). */
export const keras: Format = {
  name: "Keras",
  match: (head, name) => isHdf5(head) || /\.(keras|h5|hdf5)$/i.test(name),
  read,
  applyEdits,
};
