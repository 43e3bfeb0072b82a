/** Names of model files, as a glob; what is in them decides when they are opened. */
export const MODEL_FILES = "**/{*.onnx,*.keras,*.h5,*.hdf5,*.safetensors,model.json}";

export const isModelFile = (path: string): boolean =>
  /\.(onnx|keras|h5|hdf5|safetensors)$|(^|[/\\])model\.json$/i.test(path);
