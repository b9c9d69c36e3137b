"""Runs whose generators are known: nothing was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.latents import Prior
from ganvas.nets import mlp, stylegan2
from ganvas.run import Run
from ganvas.spaces.images.space import Images

DIGITS = {"origin": {"source": "digits"}, "fingerprint": ""}


def run_of(path: Path, net: nn.Module, space: Images, arguments: dict[str, Any], kind: Any = "normal") -> Run:
    """A run with this generator."""
    run = Run.create(path, {"data": DIGITS})
    latent = net.latent
    assert isinstance(latent, int)
    run.write_generator(Generator(net, Prior(latent, kind), space.head(), space.labels), space, arguments, "none")
    return run


def dense(path: Path, layers: int = 1, labels: Labels | None = None, kind: Any = "normal") -> Run:
    """Six latents, ``layers`` hidden layers of eight rectifiers, pictures 8×8."""
    torch.manual_seed(0)
    space, arguments = Images(8, 8, 1, labels=labels), {"latent": 6, "hidden": 8, "layers": layers}
    return run_of(path, mlp.Generator(space, **arguments), space, arguments, kind)  # type: ignore[arg-type]


def styled(path: Path) -> Run:
    """A StyleGAN2 of pictures 16×16 with styles of 8 numbers and a mean style that is not 0."""
    torch.manual_seed(0)
    space, arguments = Images(16, 16, 1), {"latent": 8, "width": 4, "most": 8, "mapping": 2}
    net = stylegan2.Generator(space, **arguments)  # type: ignore[arg-type]
    net.centre.normal_()
    return run_of(path, net, space, arguments)
