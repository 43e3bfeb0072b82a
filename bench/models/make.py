"""Writes large image classifiers with random weights as ONNX files, and images for them.

    python bench/models/make.py FOLDER

ResNet-50 (He et al. 2016, stride in the 3x3 as in torchvision) and MobileNetV2 (Sandler et al. 2018),
1,000 outputs. The weights are seeded. The files are large and are not kept in the repository.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn


def convolution(inputs, outputs, kernel, stride=1, groups=1, activation=None):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            convolution(inputs, width, 1, activation=nn.ReLU),
            convolution(width, width, 3, stride, activation=nn.ReLU),
            convolution(width, outputs, 1),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, stride)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


def resnet50():
    layers = [convolution(3, 64, 7, 2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, (width, count) in enumerate(zip([64, 128, 256, 512], [3, 4, 6, 3])):
        for block in range(count):
            layers.append(Bottleneck(inputs, width, 2 if stage > 0 and block == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        width = inputs * expansion
        expand = [convolution(inputs, width, 1, activation=nn.ReLU6)] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand,
            convolution(width, width, 3, stride, groups=width, activation=nn.ReLU6),
            convolution(width, outputs, 1),
        )
        self.residual = inputs == outputs and stride == 1

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def mobilenet_v2():
    layers = [convolution(3, 32, 3, 2, activation=nn.ReLU6)]
    inputs = 32
    for expansion, outputs, count, stride in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]:
        for block in range(count):
            layers.append(InvertedResidual(inputs, outputs, stride if block == 0 else 1, expansion))
            inputs = outputs
    layers.append(convolution(inputs, 1280, 1, activation=nn.ReLU6))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


def calibrate(model, images):
    """Batch statistics of the images themselves: activations of a usual size in every layer."""
    model.train()
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = None
    with torch.no_grad():
        model(images)
    model.eval()


def pictures(count):
    """Smooth random images, uint8 [N, 3, 224, 224]."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(count, 3, 14, 14, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(224, 224), mode="bilinear")
    noise = 0.1 * torch.rand(count, 3, 224, 224, generator=generator)
    return (255 * (0.9 * smooth + noise)).to(torch.uint8)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    images = pictures(500)
    np.savez(folder / "images.npz", x=images.numpy(), y=np.arange(500) * 2)
    for name, build in [("resnet50", resnet50), ("mobilenet_v2", mobilenet_v2)]:
        torch.manual_seed(1)
        model = build()
        calibrate(model, images[:32].float() / 255)
        torch.onnx.export(
            model,
            (torch.zeros(1, 3, 224, 224),),
            folder / f"{name}.onnx",
            dynamo=False,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "N"}, "logits": {0: "N"}},
        )
