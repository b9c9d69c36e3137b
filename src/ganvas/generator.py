"""Generator = network + prior + head: all that is left, and all that is needed, when the game is over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.mapped import Mapped
from ganvas.players import Completer

CHUNK, ROWS = 16, 2048  # samples made at a time outside training, and rows of tables: rounding does not depend on n


@dataclass(frozen=True)
class Prior:
    """Where latents come from: ``normal`` N(0, 1), ``uniform`` U(-1, 1), or ``truncated``: N(0, 1) with every
    component beyond ±``limit`` drawn again (Brock et al. 2019, BigGAN, arXiv:1809.11096, section 3.1). Latents of
    ``block`` samples in a row are drawn together: quicker, where samples are many and small."""

    size: int
    kind: Literal["normal", "uniform", "truncated"] = "normal"
    limit: float = 2.0
    block: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("normal", "uniform", "truncated"):
            raise InputError(f"no prior '{self.kind}'; known: normal, uniform, truncated")
        if self.kind == "truncated" and self.limit < 0.05:
            raise InputError(f"a prior truncated at {self.limit} leaves almost nothing; use 0.05 or more")

    def shape(self, draws: Tensor) -> Tensor:
        """Latents [n, size] of this prior from standard normal numbers ``draws`` [n, size]."""
        if self.kind == "uniform":
            return torch.erf(draws / 2**0.5)  # 2 Φ(a) - 1
        if self.kind == "truncated":  # N(0, 1) cut at ±limit by its quantiles
            u = torch.erf(draws / 2**0.5) * math.erf(self.limit / 2**0.5)
            return (torch.erfinv(u) * 2**0.5).clamp(-self.limit, self.limit)
        return draws

    def latents(self, seed: int, indices: Sequence[int], truncation: float | None = None) -> tuple[Tensor, np.ndarray]:
        """Latents [n, size] of samples number ``indices`` and a uniform number [n] each, for the label.

        A function of (seed, index) alone, by NumPy's Philox. ``truncation`` narrows a normal prior.
        """
        if truncation is not None and self.kind == "uniform":
            raise InputError("truncation needs a normal prior; this generator's is uniform")
        prior = self if truncation is None else replace(self, kind="truncated", limit=truncation)
        normal, uniform = numbers((seed, 1), indices, self.size, self.block)
        return prior.shape(normal), uniform


def numbers(key: tuple[int, int], indices: Sequence[int], size: int, block: int) -> tuple[Tensor, np.ndarray]:
    """Normal numbers [n, size] and a uniform one [n] for each of ``indices``: a function of (key, index, block).

    By NumPy's Philox, for ``block`` indices in a row at a time.
    """
    normal, uniform = np.empty((len(indices), size), np.float32), np.empty(len(indices))
    blocks, within = np.divmod(np.asarray(indices, np.int64), block)
    found, counts = np.unique(blocks, return_counts=True)
    places = np.split(np.argsort(blocks, kind="stable"), counts.cumsum())[:-1]
    for number, rows in zip(found, places, strict=True):
        random = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, number]))
        uniform[rows] = random.random(block)[within[rows]]
        normal[rows] = random.standard_normal((block, size), np.float32)[within[rows]]
    return torch.from_numpy(normal), uniform


class Generator(nn.Module):
    """The painter: latents z ~ prior (and conditions y) -> encoded samples x.

    ``net(z [n, latent], y [n, c] or None) -> [n, *shape]``, then ``head`` makes it a valid sample.
    """

    def __init__(self, net: nn.Module, prior: Prior, head: nn.Module | None = None, labels: Labels | None = None):
        super().__init__()
        self.net, self.head = net, head or nn.Identity()
        self.prior, self.labels = prior, labels

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Latents [n, latent] and conditions [n, c] -> encoded samples [n, *shape]."""
        x: Tensor = self.head(self.net(z, y))
        return x

    def sample(self, n: int | None = None, like: Batch | None = None) -> Batch:
        """A batch made from fresh latents: with the labels and random numbers of ``like``, or ``n`` samples with
        labels drawn from the training distribution. Keeps the graph."""
        if like is not None:
            return like.at(self(self.prior.shape(like.normal(self.prior.size)), like.y))
        weight = next(self.parameters())
        z = self.prior.shape(torch.randn(n or 1, self.prior.size)).to(weight.device)
        y = None
        if self.labels:
            y = self.labels.encode(self.labels.draw(torch.rand(len(z)).double().numpy())).to(weight.device)
        return Batch(self(z, y), y)

    def paths(self, like: Batch) -> tuple[Tensor, Tensor]:
        """Latents [n, d] (styles, where the network has them) and the samples made from them, which depend on them:
        what path length regularisation looks at."""
        z = self.prior.shape(like.normal(self.prior.size)).requires_grad_()
        if isinstance(self.net, Mapped):
            w = self.net.map(z, like.y)
            return w, self.head(self.net.make(w))
        return z, self(z, like.y)

    @torch.no_grad()
    def draw(
        self, indices: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
    ) -> tuple[Tensor, np.ndarray | None]:
        """Samples number ``indices`` of ``seed``: encoded [n, *shape] on the CPU and their stored labels [n, c].

        Made in eval mode, in chunks of a fixed size, so the same (seed, index) is the same sample in any call.
        ``truncation`` narrows a normal prior, and in networks with styles draws them to their mean (1 leaves them).
        ``label`` may be one label for all, a list [n] of them, or an array [n, columns] of stored labels. Raises
        InputError for an unknown label.
        """
        styled = isinstance(self.net, Mapped) and truncation is not None  # then styles are truncated, not latents
        z, u = self.prior.latents(seed, indices, None if styled else truncation)
        labels = self._labels(u, label)
        y = None if labels is None or self.labels is None else self.labels.encode(labels)
        was_training, parts = self.training, []
        self.eval()
        step = ROWS if isinstance(self.net, Completer) else CHUNK
        for start in range(0, len(z), step):
            told = None if y is None else y[start : start + step]
            parts.append(self._chunk(z[start : start + step], told, truncation if styled else None, step))
        self.train(was_training)
        return torch.cat(parts) if parts else torch.empty(0), labels

    def _chunk(self, z: Tensor, y: Tensor | None, psi: float | None, step: int) -> Tensor:
        device, n = next(self.parameters()).device, len(z)
        fill = torch.arange(step) % n  # a short chunk is filled up and cut again
        z, y = z[fill].to(device), None if y is None else y[fill].to(device)
        x: Tensor
        if psi is not None and isinstance(self.net, Mapped):
            x = self.head(self.net.make(self.net.truncated(self.net.map(z, y), psi)))
        else:
            x = self(z, y)
        return x[:n].float().cpu()

    def _labels(self, u: np.ndarray, label: object) -> np.ndarray | None:
        if self.labels is None:
            if label is not None:
                raise InputError("this generator was trained without labels; leave the label out")
            return None
        if label is None:
            return self.labels.draw(u)
        if isinstance(label, np.ndarray):
            return label
        if isinstance(label, list) and len(label) == len(u):
            return np.stack([self.labels.parse(one) for one in label])
        return np.repeat(self.labels.parse(label)[None], len(u), 0)
