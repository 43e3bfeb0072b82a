"""Coupled units of a PyTorch module, found by perturbing it: no rules of operators.

    python groups_by_perturbation.py FOLDER [NAME ...]

writes FOLDER/NAME.onnx and FOLDER/NAME.perturbed.json: {"seconds", "groups": [[["layer", unit], ...], ...],
"fixed": {"layer": "why"}}.

Every layer that sums over all its inputs gives a random tensor instead of its result, so that what is changed
in one place goes no further than to the layers that read it. One unit after the other is then changed, and
the input channels of all layers are watched. Two units that arrive at the same input channel are read by the
same slice of weights, and are normalised by the same γ and β: they can only go together. A convolution that
is not dense (which is also found by changing its inputs) hands its channels on. The output and LayerNorm
hold fast what arrives there: without a unit a LayerNorm is not what it is with the unit at zero, which is
tried out too.

By convention, as in Torch-Pruning with `prune_num_heads`: of an attention whole heads go, q, k and v together.
"""

import json
import os
import sys
import time

import torch
from torch import nn

import groups_models

READERS = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm, groups_models.Scores)
MAKERS = (nn.Conv2d, nn.Linear)
AT_ONCE = 64
# A draw may hide a channel, where it is multiplied with 0.
DRAWS = 3
# Large enough to get through a Relu that is closed, and small where a gate would saturate.
AMOUNTS = (40.0, -40.0, 0.7)
OUTPUT, NORM = ("output",), ("norm",)
REASONS = {OUTPUT: "its units reach the output", NORM: "its units reach a LayerNorm"}


class Classes:
    """Disjoint sets."""

    def __init__(self):
        self.parents = {}

    def find(self, x):
        root = x
        while self.parents.setdefault(root, root) != root:
            root = self.parents[root]
        while self.parents[x] != root:
            self.parents[x], x = root, self.parents[x]
        return root

    def join(self, a, b):
        self.parents[self.find(a)] = self.find(b)


def channels(module, x):
    """[batch, channels, anything]: the axis that the module reads its units along."""
    if isinstance(module, groups_models.Scores):
        return x.movedim(2, 3).flatten(1, 2)
    if isinstance(module, (nn.Linear, nn.LayerNorm)):
        return x.movedim(-1, 1).flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    return x.flatten(2)


def links_of(module, x, outputs, probed):
    """By input channel those of the output that change with it."""
    changed = []
    axis = 1 if isinstance(module, nn.Conv2d) else -1
    before = module(x)
    for first in range(0, len(probed), AT_ONCE):
        some = probed[first : first + AT_ONCE]
        many = x.repeat(len(some), *[1] * (x.dim() - 1))
        for k, i in enumerate(some):
            channels(module, many[k : k + 1])[0, i] += 1
        difference = (module(many) - before).abs()
        changed += list(difference.movedim(axis, 1).reshape(len(some), outputs, -1).amax(2) > 0)
    return changed


class Perturbed:
    def __init__(self, model, x):
        self.model, self.x = model, x
        self.names = {m: n for n, m in model.named_modules()}
        self.readers = [m for m in model.modules() if isinstance(m, READERS)]
        self.makers = [m for m in self.readers if isinstance(m, MAKERS)]
        self.classes = Classes()
        self.units, self.shapes, self.handing_on = {}, {}, set()
        self.results, self.baseline, self.fixed = {}, {}, {}
        self.change = None
        self.arrived = {}
        self.record()
        for module in self.readers:
            self.patch(module)

    def draw(self, seed):
        """Other random results of all layers, and what arrives where with them."""
        generator = torch.Generator().manual_seed(seed)
        for module, shape in self.shapes.items():
            self.results[module] = torch.randn(shape, generator=generator)
        self.baseline = {}
        self.baseline_output = self.run(1, self.baseline)

    def record(self):
        """One run as it is: shapes, and which layers are dense."""
        seen = {}
        hooks = [
            m.register_forward_hook(lambda m, i, o: seen.__setitem__(m, (i[0], o)))
            for m in self.readers
        ]
        self.model(self.x)
        for hook in hooks:
            hook.remove()
        self.readers = [m for m in self.readers if m in seen]
        self.makers = [m for m in self.makers if m in seen]
        for k, module in enumerate(self.readers):
            x, y = seen[module]
            generator = torch.Generator().manual_seed(k)
            self.shapes[module] = y.shape
            if module not in self.makers:
                continue
            axis = 1 if isinstance(module, nn.Conv2d) else -1
            outputs = self.units[module] = y.shape[axis]
            sample = torch.randn(x.shape, generator=generator)
            inputs = channels(module, x).shape[1]
            few = sorted({0, inputs // 2, inputs - 1})
            if all(bool(c.all()) for c in links_of(module, sample, outputs, few)):
                continue
            self.handing_on.add(module)
            for i, changed in enumerate(links_of(module, sample, outputs, range(inputs))):
                for o in changed.nonzero().flatten().tolist():
                    self.classes.join((module, "in", i), (module, "unit", o))

    def patch(self, module):
        own = module.forward
        frozen = isinstance(module, (*MAKERS, groups_models.Scores, nn.LayerNorm))
        frozen = frozen and module not in self.handing_on

        def forward(*inputs):
            self.arrived.setdefault(module, []).extend(channels(module, x) for x in inputs)
            y = own(*inputs) if not frozen else self.results[module]
            if frozen:
                y = y.expand(inputs[0].shape[0], *y.shape[1:]).clone()
            if self.change is not None and self.change[0] is module:
                _, sets, amount = self.change
                y = y if frozen else y.clone()
                view = y if isinstance(module, nn.Conv2d) else y.movedim(-1, 1)
                for i, units in enumerate(sets):
                    view[i, units] += amount
            return y

        module.forward = forward

    def run(self, batch, arrived):
        self.arrived = arrived
        return self.model(self.x.expand(batch, -1, -1, -1))

    def perturb(self, module):
        """Joins the units of a layer with the channels at which they arrive.

        Half of the units are changed at a time, by the bits of their numbers: which halves arrive at a channel
        tells the unit. Where several arrive, all are changed one by one.
        """
        units = torch.arange(self.units[module])
        bits = max(1, (len(units) - 1).bit_length())
        ones = [units[(units >> b) & 1 == 1] for b in range(bits)]
        zeros = [units[(units >> b) & 1 == 0] for b in range(bits)]
        for place, arrived in self.changed(module, ones + zeros):
            of_ones, of_zeros = arrived[:bits], arrived[bits:]
            if bool((of_ones != of_zeros).all()):
                self.join(module, sum(1 << b for b in range(bits) if of_ones[b]), place)
                continue
            for first in range(0, len(units), AT_ONCE):
                some = units[first : first + AT_ONCE]
                for target, alone in self.changed(module, [u.unsqueeze(0) for u in some]):
                    for k in alone.nonzero().flatten().tolist():
                        self.join(module, first + k, target)
            return

    def changed(self, module, sets):
        """[place, which of the sets arrive there], of all places where any does."""
        found = {}
        for amount in AMOUNTS:
            self.change = (module, sets, amount)
            arrived = {}
            output = self.run(len(sets), arrived)
            self.change = None
            pairs = [(None, output, self.baseline_output)]
            for reader in self.baseline:
                for k, (now, own) in enumerate(zip(arrived[reader], self.baseline[reader])):
                    pairs.append(((reader, k), now, own))
            for key, now, own in pairs:
                differs = (now - own).abs().reshape(*now.shape[:2], -1).amax(2) > 1e-7
                found[key] = differs | found[key] if key in found else differs
        for key, differs in found.items():
            for i in differs.any(0).nonzero().flatten().tolist():
                if key is None:
                    yield OUTPUT, differs[:, i]
                elif isinstance(key[0], nn.LayerNorm):
                    yield NORM, differs[:, i]
                else:
                    yield (key[0], "in", i), differs[:, i]

    def join(self, module, unit, place):
        mine = (module, "unit", unit)
        if place in REASONS:
            self.fixed.setdefault(mine, place)
        else:
            self.classes.join(mine, place)

    def groups(self):
        for seed in range(DRAWS):
            self.draw(seed)
            for module in self.makers:
                self.perturb(module)
        for name, module in self.model.named_modules():
            if isinstance(module, groups_models.Attention):
                for u in range(self.units[module.qkv]):
                    first = u // module.depth % module.heads * module.depth
                    self.classes.join((module.qkv, "unit", u), (module.qkv, "unit", first))
        held = {self.classes.find(unit): why for unit, why in self.fixed.items()}
        members = {}
        for module in self.makers:
            for u in range(self.units[module]):
                root = self.classes.find((module, "unit", u))
                members.setdefault(root, []).append((module, u))
        groups, fixed = [], {}
        for root, units in members.items():
            why = REASONS.get(held.get(root))
            counts = {}
            for module, _ in units:
                counts[module] = counts.get(module, 0) + 1
            if why is None and any(n == self.units[m] for m, n in counts.items()):
                why = "all units of a layer go together"
            if why is None:
                groups.append(sorted((self.names[m], u) for m, u in units))
            else:
                fixed.update({self.names[m]: why for m, _ in units})
        return groups, fixed


def assert_norm_compares():
    """Without a unit LayerNorm gives the others something else than with the unit at zero."""
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    masked = x * torch.tensor([0.0] + [1.0] * 7)
    norm, smaller = nn.LayerNorm(8), nn.LayerNorm(7)
    assert (norm(masked)[:, 1:] - smaller(x[:, 1:])).abs().max() > 1e-2


def main():
    folder, *names = sys.argv[1:]
    assert_norm_compares()
    for name in names or groups_models.NAMES:
        groups_models.export(name, folder)
        started = time.perf_counter()
        with torch.no_grad():
            groups, fixed = Perturbed(groups_models.build(name), groups_models.example()).groups()
        result = {"seconds": time.perf_counter() - started, "groups": groups, "fixed": fixed}
        with open(os.path.join(folder, f"{name}.perturbed.json"), "w") as file:
            json.dump(result, file)
        print(f"{name}: {len(groups)} groups, {result['seconds']:.1f} s", file=sys.stderr)


main()
