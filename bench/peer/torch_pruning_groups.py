"""The coupled units that Torch-Pruning finds, and how long it takes.

    pip install torch torchvision torch-pruning
    python torch_pruning_groups.py FOLDER THREADS [NAME ...]

writes FOLDER/NAME.onnx and FOLDER/NAME.torch_pruning.json: {"version", "graph", "prune", "groups"}: seconds for
the dependency graph, for all groups and the cut of a tenth of one, and the groups as in
groups_by_perturbation.py. Units that reach the output are left out, as Torch-Pruning's users do it
(`ignored_layers`).
"""

import json
import os
import sys
import time

import torch
import torch_pruning as tp
from torch import nn

import groups_models


def units_of(graph, group, names):
    """By root index: the output units of convolutions and dense layers that go with it."""
    by_root = {}
    for item in group:
        module = item.dep.target.module
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        if not graph.is_out_channel_pruning_fn(item.dep.handler):
            continue
        for unit, root in zip(item.idxs, item.root_idxs):
            by_root.setdefault(int(root), set()).add((names[module], int(unit)))
    return [sorted(units) for units in by_root.values()]


def compare(name, folder):
    groups_models.export(name, folder)
    model, x = groups_models.build(name), groups_models.example()
    names = {m: n for n, m in model.named_modules()}
    head = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    heads = {
        m.qkv: m.heads for m in model.modules() if isinstance(m, groups_models.Attention)
    }
    started = time.perf_counter()
    graph = tp.DependencyGraph().build_dependency(model, example_inputs=x)
    built = time.perf_counter()
    found = list(graph.get_all_groups(ignored_layers=[head]))
    first = found[0]
    root = first[0].dep.target.module
    width = len(first[0].idxs)
    graph.get_pruning_group(
        root, first[0].dep.handler, list(range(max(1, width // 10)))
    ).prune()
    pruned = time.perf_counter()
    groups = [units for group in found for units in units_of(graph, group, names)]
    groups = [together(units, heads, names) for units in groups]
    return {
        "version": tp.__version__,
        "graph": built - started,
        "prune": pruned - built,
        "groups": merged(groups),
    }


def together(units, heads, names):
    """Whole heads go, their q, k and v together (`prune_num_heads`)."""
    result = set(map(tuple, units))
    for module in heads:
        depth = module.out_features // (3 * heads[module])
        mine = {u // depth % heads[module] for layer, u in result if layer == names[module]}
        for u in range(module.out_features):
            if u // depth % heads[module] in mine:
                result.add((names[module], u))
    return sorted(result)


def merged(groups):
    """Groups that share a unit are one."""
    owner, classes = {}, {}
    for k, units in enumerate(groups):
        keys = {owner[u] for u in units if u in owner}
        classes[k] = set(units).union(*(classes.pop(key) for key in keys))
        for unit in classes[k]:
            owner[unit] = k
    return [sorted(units) for units in classes.values()]


def main():
    folder, threads, *names = sys.argv[1:]
    torch.set_num_threads(int(threads))
    for name in names or groups_models.NAMES:
        compare_path = os.path.join(folder, f"{name}.torch_pruning.json")
        result = compare(name, folder)
        with open(compare_path, "w") as file:
            json.dump(result, file)
        print(f"{name}: {len(result['groups'])} groups", file=sys.stderr)


main()
