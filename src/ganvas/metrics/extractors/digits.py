"""A classifier of the built-in 8×8 digits, trained on the spot: its 64 activations before the last layer.

It learns from the digits that ``ganvas train digits`` trains on, so the held-out ones are new to both. Training takes
some seconds, once: the weights are kept in the cache folder. Features differ in the last bits between machines that
trained it with other instruction sets; the digest tells them apart.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, pad

from ganvas.files import write_file
from ganvas.metrics.extractors import Extractor, blank, digest_of, grey
from ganvas.space import Space, hold_out
from ganvas.spaces.images.cache import folder, key_of, writable

SIDE, BATCH, EPOCHS, RATE = 8, 64, 20, 2e-3
RECIPE = 1  # of the training below; another number trains anew


class Classifier(nn.Module):
    """Two convolutions and two layers."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 32, 3, padding=1), nn.SiLU(), nn.Conv2d(32, 64, 3, padding=1), nn.SiLU()]
        self.body = nn.Sequential(*convolutions, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 4 * 4, 64), nn.SiLU())
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Digits [n, 1, 8, 8] in [0, 1] -> features [n, 64]."""
        return self.body(x)


def digits() -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    """All digits [n, 1, 8, 8] in [0, 1], their classes [n], the rows to learn from and those held out."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = torch.from_numpy(found.images.astype(np.float32) / 16).unsqueeze(1)
    train, held_out = hold_out(len(x), 0.1, 0)
    return x, torch.from_numpy(found.target.astype(np.int64)), train, held_out


def train() -> Classifier:
    """The classifier, always the same on one machine. The random numbers of others are left as they were."""
    x, y, rows, _ = digits()
    random = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        net = Classifier()
        steps = EPOCHS * -(-len(rows) // BATCH)
        optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for _ in range(EPOCHS):
            for part in torch.from_numpy(rows)[torch.randperm(len(rows), generator=random)].split(BATCH):
                optimiser.zero_grad()
                cross_entropy(net.head(net(shifted(x[part], random))), y[part]).backward()
                optimiser.step()
                schedule.step()
    return net


def shifted(x: Tensor, random: torch.Generator) -> Tensor:
    """Each picture [n, 1, 8, 8] moved by up to one pixel, dark pixels coming in."""
    windows = pad(x, (1, 1, 1, 1)).unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # [n, 1, 3, 3, 8, 8]
    down, right = torch.randint(3, (2, len(x)), generator=random)
    return windows[torch.arange(len(x)), :, down, right]


def trained() -> Classifier:
    """The classifier from the cache folder, or trained and put there. A damaged file is replaced."""
    place = folder() / "extractors" / f"{key_of('digits', RECIPE)}.safetensors"
    net = read(place)
    if net is None:
        net = train()
        with writable(place.parent):
            place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, safetensors.torch.save(net.state_dict()))
    return net.eval().requires_grad_(False)


def read(place: Path) -> Classifier | None:
    """The classifier in a file, or None when the file is missing or damaged."""
    with contextlib.suppress(OSError, SafetensorError, RuntimeError):
        with torch.random.fork_rng(devices=[]):
            net = Classifier()
        net.load_state_dict(safetensors.torch.load_file(place))
        return net
    return None


@torch.no_grad()
def make(space: Space) -> Extractor:
    """Grey pictures: features [n, 64] and the probabilities of ten digits."""
    grey(blank(space))
    net = trained()
    x, y, rows, held_out = digits()
    accuracy = float((net.head(net(x[held_out])).argmax(1) == y[held_out]).double().mean())

    def embed(raw: np.ndarray) -> Tensor:
        x = grey(raw)
        return net(x if x.shape[2:] == (SIDE, SIDE) else interpolate(x, (SIDE, SIDE), mode="area"))

    def classify(features: Tensor) -> Tensor:
        return net.head(features).softmax(1)

    digest = digest_of(net)
    origin = (
        f"trained on the spot on {len(rows):,} of scikit-learn's digits; reads {accuracy:.1%} of "
        f"{len(held_out)} held-out ones; weights {digest}; activations before the last layer"
    )
    return Extractor("digits", origin, digest, f"area to {SIDE}×{SIDE}", embed, classify, tuple("0123456789"))
