"""Loads pruned model files in their own frameworks and runs them.

    python loadPruned.py FOLDER

FOLDER/cases.json is a list of {"file", "original", "inputs", "outputs"}: inputs and outputs are lists of
{"shape", "data"}. Writes one JSON line for each case to stdout: {"file", "difference"}, the largest difference
from the outputs as a share of their largest value; or {"file", "skipped"}: there is nothing here to load it with,
or the original does not load either.
"""

import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def onnx_outputs(path, inputs):
    import onnx
    import onnxruntime

    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path)
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs)))


def keras_outputs(path, inputs):
    import keras

    model = keras.saving.load_model(path, compile=False)
    outputs = model(inputs[0] if len(inputs) == 1 else inputs)
    return [np.asarray(y) for y in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def outputs_of(path, inputs):
    return (onnx_outputs if path.endswith(".onnx") else keras_outputs)(path, inputs)


def arrays(listed):
    return [np.array(a["data"], np.float32).reshape(a["shape"]) for a in listed]


def check(folder, case):
    path = os.path.join(folder, case["file"])
    inputs, expected = arrays(case["inputs"]), arrays(case["outputs"])
    try:
        outputs_of(case["original"], inputs)
    except Exception as error:
        return {"skipped": f"{type(error).__name__}: {error}"[:200]}
    difference = 0.0
    for y, wanted in zip(outputs_of(path, inputs), expected, strict=True):
        assert y.shape == wanted.shape, (y.shape, wanted.shape)
        largest = np.abs(wanted).max()
        difference = max(difference, float(np.abs(y - wanted).max() / largest))
    return {"difference": difference}


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "cases.json")) as file:
        cases = json.load(file)
    for case in cases:
        print(json.dumps({"file": case["file"], **check(folder, case)}), flush=True)


main()
