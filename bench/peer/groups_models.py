"""The networks whose coupled units are compared: built from fixed seeds, exported to ONNX.

torchvision's are used at their full widths; weights do not matter, since only the structure is compared.
"""

import os
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")

# MobileNetV3 has squeeze-excite blocks.
TORCHVISION = ["resnet18", "resnet50", "densenet121", "mobilenet_v2", "mobilenet_v3_small"]
NAMES = [*TORCHVISION, "vit"]
SIZE = 32


class Scores(nn.Module):
    """q·kᵀ for each head; both are [batch, heads, tokens, d], and d is summed over."""

    def forward(self, q, k):
        return q @ k.transpose(-2, -1)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.depth = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width)
        self.scores = Scores()
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, self.depth).permute(2, 0, 3, 1, 4)
        weights = (self.scores(q, k) * self.depth**-0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, t, self.heads * self.depth))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))


class Vit(nn.Module):
    """Dosovitskiy et al. 2021, as wide as ViT-Tiny."""

    def __init__(self, width=192, heads=3, blocks=12, classes=100):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, 16, 16)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, (SIZE // 16) ** 2 + 1, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def build(name):
    torch.manual_seed(7)
    if name == "vit":
        return varied(Vit())
    import torchvision

    return varied(getattr(torchvision.models, name)(weights=None))


def varied(model):
    """As after training: vectors that are equal would be stored once, and be shared."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.1, 0.1)
                module.running_var.uniform_(0.5, 1.5)
            for parameter in module.parameters(recurse=False):
                if parameter.dim() == 1:
                    parameter.copy_(torch.rand_like(parameter) + 0.5)
    return model.eval()


def example():
    return torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def export(name, folder):
    """Writes NAME.onnx where it is not there yet."""
    path = os.path.join(folder, f"{name}.onnx")
    if not os.path.exists(path):
        temporary = f"{path}.{os.getpid()}"
        with torch.no_grad():
            torch.onnx.export(build(name), example(), temporary, opset_version=17, dynamo=False)
        os.replace(temporary, path)
    return path
