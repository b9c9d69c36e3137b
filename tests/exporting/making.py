"""Run folders with a generator that nobody trained: enough to export it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.latents import Prior
from ganvas.names import module
from ganvas.run import Run
from ganvas.space import Space
from ganvas.spaces.images import Images

LABELS = Labels.of(
    ["kind", "size"],
    [["cat", "dog", "3"], []],
    np.column_stack([np.arange(30) % 3, np.random.default_rng(0).normal(size=30)]),
)
SMALL = {"latent": 12, "width": 8, "most": 16, "hidden": 16, "mapping": 2, "blocks": 1}


def untrained(
    folder: Path, net: str, space: Space | None = None, prior: str = "normal", limit: float = 2.0, **sizes: int
) -> Run:
    """A run whose generator has random weights, and normal ones where it would start with zeros."""
    space = space or Images(16, 16, 3, mode="RGB", labels=LABELS)
    made: type[nn.Module] = module("nets", net).Generator
    known = inspect.signature(made.__init__).parameters
    arguments: dict[str, Any] = {name: value for name, value in (SMALL | sizes).items() if name in known}
    torch.manual_seed(0)
    network = made(space, **arguments)
    for weight in network.parameters():
        if weight.numel() and not weight.any():
            nn.init.normal_(weight, std=0.3)
    for buffer in network.buffers():
        if buffer.is_floating_point() and not buffer.any():
            nn.init.normal_(buffer, std=0.1)
    size = network.latent
    assert isinstance(size, int)
    run = Run.create(folder, {"name": folder.name, "game": "gan"})
    drawn = Prior(size, prior, limit)  # type: ignore[arg-type]
    run.write_generator(Generator(network, drawn, space.head(), space.labels), space, arguments, "round-0")
    return Run(folder)
