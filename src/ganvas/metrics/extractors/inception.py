"""Inception-v3 of 2015 as FID uses it (Heusel et al. 2017, arXiv:1706.08500): 2048 pooled features, from its file.

Nothing is downloaded. Two files hold these weights, ``inception-2015-12-05.pt`` (TorchScript) and
``pt_inception-2015-12-05-6726825d.pth`` (also named ``weights-inception-…``). One is looked for where
``--extractor inception=FILE`` or $GANVAS_INCEPTION say, else in the checkpoints folder of torch.hub.
"""

from __future__ import annotations

import io
import os
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.metrics.extractors import Extractor, blank, checked, colours, folded, weights
from ganvas.space import Space

VARIABLE = "GANVAS_INCEPTION"  # the environment variable that names the file
SCRIPT = "inception-2015-12-05.pt"
STATES = ("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth")
SCRIPT_SHA256 = "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4"
STATE_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIDE, CLASSES = 299, 1008
RESIZER = f"bilinear as in TensorFlow 1, not antialiased, to {SIDE}×{SIDE}"

Kernel = tuple[int, int]
Step = tuple[int, *tuple[Kernel, ...]]  # channels out, and one kernel, or two side by side
ONE, THREE, FIVE = (1, 1), (3, 3), (5, 5)
WIDE, TALL, FORK = (1, 7), (7, 1), ((1, 3), (3, 1))


def convolution(c_in: int, c_out: int, kernel: Kernel, stride: int = 1, same: bool = True) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU. ``same`` keeps the size of pictures."""
    padding = (kernel[0] // 2, kernel[1] // 2) if same else 0
    conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(c_out, eps=0.001), relu=nn.ReLU()))


class Mixed(nn.Module):
    """Branches side by side, joined along the channels; with ``stride`` 2 their last steps halve the picture.

    ``plan`` has the steps of each branch by the name that its weights have in the file. "branch_pool" begins with
    ``pool``. Szegedy et al. 2015, arXiv:1512.00567, figures 5 to 7 and 10.
    """

    def __init__(self, c_in: int, plan: Mapping[str, Sequence[Step]], pool: nn.Module, stride: int = 1) -> None:
        super().__init__()
        self.pool = pool
        self.paths: dict[str, list[list[str]]] = {branch: [] for branch in plan}
        for branch, steps in plan.items():
            width = c_in
            for number, (c_out, *kernels) in enumerate(steps, 1):
                name = branch if len(steps) == 1 else f"{branch}_{number}"
                names = [name] if len(kernels) == 1 else [f"{name}a", f"{name}b"]
                pace = stride if number == len(steps) else 1
                for one, kernel in zip(names, kernels, strict=True):
                    self.add_module(one, convolution(width, c_out, kernel, pace, same=pace == 1))
                self.paths[branch].append(names)
                width = c_out * len(kernels)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> [n, sum of the branches' channels, h, w (or their halves)]."""
        found = []
        for branch, path in self.paths.items():
            y = self.pool(x) if branch == "branch_pool" else x
            for names in path:
                y = torch.cat([self.get_submodule(name)(y) for name in names], 1)
            found.append(y)
        return torch.cat(found, 1)


def average() -> nn.Module:
    """Mean of the neighbours that lie inside the picture: TensorFlow's, and FID's difference from torchvision's net."""
    return nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


def block_35(c_in: int, pooled: int) -> Mixed:
    """A block on pictures of 35×35."""
    plan: dict[str, list[Step]] = {
        "branch1x1": [(64, ONE)],
        "branch5x5": [(48, ONE), (64, FIVE)],
        "branch3x3dbl": [(64, ONE), (96, THREE), (96, THREE)],
        "branch_pool": [(pooled, ONE)],
    }
    return Mixed(c_in, plan, average())


def block_17(inner: int) -> Mixed:
    """A block on pictures of 17×17."""
    plan: dict[str, list[Step]] = {
        "branch1x1": [(192, ONE)],
        "branch7x7": [(inner, ONE), (inner, WIDE), (192, TALL)],
        "branch7x7dbl": [(inner, ONE), (inner, TALL), (inner, WIDE), (inner, TALL), (192, WIDE)],
        "branch_pool": [(192, ONE)],
    }
    return Mixed(768, plan, average())


def block_8(c_in: int, pool: nn.Module) -> Mixed:
    """A block on pictures of 8×8."""
    plan: dict[str, list[Step]] = {
        "branch1x1": [(320, ONE)],
        "branch3x3": [(384, ONE), (384, *FORK)],
        "branch3x3dbl": [(448, ONE), (384, THREE), (384, *FORK)],
        "branch_pool": [(192, ONE)],
    }
    return Mixed(c_in, plan, pool)


def network() -> nn.Sequential:
    """Colours [n, 3, 299, 299] in [-1, 1] -> logits [n, 1008]; all but the last layer give the features [n, 2048]."""
    to_17: dict[str, list[Step]] = {
        "branch3x3": [(384, THREE)],
        "branch3x3dbl": [(64, ONE), (96, THREE), (96, THREE)],
        "branch_pool": [],
    }
    to_8: dict[str, list[Step]] = {
        "branch3x3": [(192, ONE), (320, THREE)],
        "branch7x7x3": [(192, ONE), (192, WIDE), (192, TALL), (192, THREE)],
        "branch_pool": [],
    }
    parts: dict[str, nn.Module] = {
        "Conv2d_1a_3x3": convolution(3, 32, THREE, 2, same=False),
        "Conv2d_2a_3x3": convolution(32, 32, THREE, same=False),
        "Conv2d_2b_3x3": convolution(32, 64, THREE),
        "MaxPool_1": nn.MaxPool2d(3, 2),
        "Conv2d_3b_1x1": convolution(64, 80, ONE),
        "Conv2d_4a_3x3": convolution(80, 192, THREE, same=False),
        "MaxPool_2": nn.MaxPool2d(3, 2),
        "Mixed_5b": block_35(192, 32),
        "Mixed_5c": block_35(256, 64),
        "Mixed_5d": block_35(288, 64),
        "Mixed_6a": Mixed(288, to_17, nn.MaxPool2d(3, 2), stride=2),
        "Mixed_6b": block_17(128),
        "Mixed_6c": block_17(160),
        "Mixed_6d": block_17(160),
        "Mixed_6e": block_17(192),
        "Mixed_7a": Mixed(768, to_8, nn.MaxPool2d(3, 2), stride=2),
        "Mixed_7b": block_8(1280, average()),
        "Mixed_7c": block_8(2048, nn.MaxPool2d(3, 1, padding=1)),
        "AvgPool": nn.AdaptiveAvgPool2d(1),
        "Flat": nn.Flatten(),
        "fc": nn.Linear(2048, CLASSES),
    }
    return nn.Sequential(OrderedDict(parts))


def stretched(x: Tensor, side: int = SIDE) -> Tensor:
    """[n, c, h, w] -> [n, c, side, side] as TensorFlow 1 did it: pixel i of a row is read at i · w / side, bilinear."""

    def reading(size: int) -> Tensor:  # [side, size]
        rows, position = torch.arange(side), torch.arange(side) * (size / side)
        low = position.long()
        matrix = torch.zeros(side, size)
        matrix[rows, low] = 1 - (position - low)
        matrix[rows, (low + 1).clamp(max=size - 1)] += position - low
        return matrix

    return reading(x.shape[2]) @ x @ reading(x.shape[3]).T


def found() -> Path | None:
    """The file that $GANVAS_INCEPTION names, else one in torch.hub's checkpoints folder, else None."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return next((folder / name for name in (SCRIPT, *STATES) if (folder / name).is_file()), None)


def make(space: Space, place: str | None = None) -> Extractor:
    """Pictures: features [n, 2048] and the probabilities of its classes, as the inception score takes them (without
    the last layer's bias). InputError when the file is missing or another."""
    colours(blank(space))
    file = Path(place).expanduser() if place else found()
    if file is None:
        raise InputError(f"there is no {SCRIPT} or {STATES[0]}; get one and give --extractor inception=FILE")
    return from_state(file) if file.suffix == ".pth" else from_script(file)


def from_state(file: Path) -> Extractor:
    """The network above with the weights of a ``.pth`` file."""
    net = network()
    net.load_state_dict(weights(file, STATE_SHA256))
    folded(net)

    def embed(raw: np.ndarray) -> Tensor:
        return net[:-1]((stretched(bytes_of(raw)) - 128) / 128)

    def classify(features: Tensor) -> Tensor:
        return (features @ net.get_parameter("fc.weight").T).softmax(1)

    origin = f"Inception-v3 2015-12-05, {file.name}, SHA-256 {STATE_SHA256}"
    return Extractor("inception", origin, STATE_SHA256, RESIZER, embed, classify)


def from_script(file: Path) -> Extractor:
    """The network in the TorchScript file. Only that one: loading another could run code."""
    content = checked(file, SCRIPT_SHA256)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch would rather have torch.export
        net: Any = torch.jit.load(io.BytesIO(content), map_location="cpu").eval()
    last = dict(net.named_parameters()).get("output.weight")  # [1008, 2048]

    def embed(raw: np.ndarray) -> Tensor:
        return net(bytes_of(raw).to(torch.uint8), return_features=True)

    def classify(features: Tensor) -> Tensor:
        assert last is not None
        return (features @ last.T).softmax(1)

    origin = f"Inception-v3 2015-12-05, {file.name}, SHA-256 {SCRIPT_SHA256}"
    return Extractor("inception", origin, SCRIPT_SHA256, RESIZER, embed, None if last is None else classify)


def bytes_of(raw: np.ndarray) -> Tensor:
    """Stored pictures [n, h, w, c] -> RGB [n, 3, h, w], float32 whole numbers 0 … 255: FID knows pictures of 8 bits."""
    return (colours(raw) * 255).round()
