"""Jacobian moments in PyTorch: one backward pass per output and batch, as one would write it.

Started as `p1.py THREADS`. Reads one request per line, {"net", "samples", "batch"}, and answers with one
line: {"seconds", "cpu", "sigma"}, sigma[l] = sum over outputs and elements of the standard deviation of
the derivative by the input (l = 0) and by each hidden layer's activations. The first line it writes is
{"version"}.
"""

import ast
import json
import os
import sys
import time

import torch
import torch.nn.functional as F


def read_npy(path):
    with open(path, "rb") as file:
        raw = bytearray(file.read())
    start = 10 + int.from_bytes(raw[8:10], "little")
    shape = ast.literal_eval(raw[10:start].decode("latin1"))["shape"]
    return torch.frombuffer(raw, dtype=torch.float32, offset=start).reshape(shape)


def load(path):
    with open(path) as file:
        net = json.load(file)
    folder = os.path.dirname(path)
    for layer in net["layers"]:
        layer["weight"] = read_npy(os.path.join(folder, layer["weight"]))
        layer["bias"] = read_npy(os.path.join(folder, layer["bias"]))
    net["data"] = read_npy(os.path.join(folder, net["data"]))
    return net


def forward(net, x):
    """Probabilities, and what they are differentiated by."""
    measured = [x]
    for layer in net["layers"]:
        if layer["kind"] == "conv":
            x = F.conv2d(x, layer["weight"], layer["bias"])
        else:
            x = F.linear(x.flatten(1), layer["weight"], layer["bias"])
        if "activation" in layer:
            x = torch.relu(x) if layer["activation"] == "relu" else torch.sigmoid(x)
            measured.append(x)
        if layer.get("pool"):
            x = F.max_pool2d(x, 2)
    return F.softmax(x, 1), measured


def moments(net, samples, batch):
    outputs = net["layers"][-1]["weight"].shape[0]
    sums = None
    for start in range(0, samples, batch):
        x = net["data"][start : min(start + batch, samples)].clone().requires_grad_()
        y, measured = forward(net, x)
        if sums is None:
            shapes = [(2, outputs, *a.shape[1:]) for a in measured]
            sums = [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
        for j in range(outputs):
            gradients = torch.autograd.grad(y[:, j].sum(), measured, retain_graph=j < outputs - 1)
            for total, g in zip(sums, gradients):
                total[0, j] += g.sum(0)
                total[1, j] += (g * g).sum(0)
    means = [total / samples for total in sums]
    return [(m[1] - m[0] ** 2).clamp(min=0).sqrt().sum().item() for m in means]


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"version": torch.__version__}), flush=True)
    nets = {}
    for line in sys.stdin:
        request = json.loads(line)
        path = request["net"]
        if path not in nets:
            nets = {path: load(path)}
        started, cpu = time.perf_counter(), time.process_time()
        sigma = moments(nets[path], request["samples"], request["batch"])
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        print(json.dumps({"seconds": seconds, "cpu": cpu, "sigma": sigma}), flush=True)


main()
