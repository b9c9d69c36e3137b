"""Where a search begins: what an encoder says, the mean style, and the nearest of many draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.exploring.latent import code_of, paint
from ganvas.exploring.perceptual import Eye
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

DRAWN = 512  # codes drawn to see where they lie, and to begin at the nearest
SEED = 2**63 - 1  # of these draws: not one of the samples that users look for
TRIED = 64  # labels that an encoder's latents are tried with, at the most
STEP = 32  # pictures made at once
FIRST = 1e3  # more than any cost: what is to come first is told less by so much


class Start(NamedTuple):
    """Where a search began, and its stored label [columns] where there are labels."""

    name: str
    label: np.ndarray | None


class Pool:
    """Drawn ``codes`` [m, k] of a run and their stored ``labels``; each label occurs, where there are not too many."""

    def __init__(self, run: Run, eye: Eye) -> None:
        self.run, self.eye, self.known = run, eye, run.generator.labels
        latents, u = run.generator.prior.latents(SEED, range(DRAWN))
        self.z, self.labels = torch.from_numpy(latents), spread(self.known, u)
        self.codes = self.coded(self.z, self.labels)
        self.own: dict[bytes, tuple[Tensor, Tensor]] = {}  # codes of one label and their pictures

    def coded(self, z: Tensor, labels: np.ndarray | None) -> Tensor:
        """Latents [n, latent] and stored labels [n, columns] -> codes [n, k]."""
        y = None if labels is None or self.known is None else self.known.encode(labels)
        return code_of(self.run.generator, z, y)

    def made(self, codes: Tensor) -> Tensor:
        """The encoded pictures of codes [n, k]."""
        with torch.no_grad():
            return torch.cat([paint(self.run.generator, part) for part in codes.split(STEP)])

    def starts(self, x: Tensor, labels: np.ndarray | None, count: int) -> tuple[Tensor, list[list[Start]]]:
        """``count`` codes [n, count, k] for each of the encoded pictures ``x`` [n, c, h, w], and what they are.

        ``labels`` [n, columns] are the stored labels of the pictures; None: they are not known, so the draws have all.
        """
        if labels is None or self.known is None:
            return self.nearest(x, self.labels, count)
        begin = torch.empty(len(x), count, self.codes.shape[1])
        whence: list[list[Start]] = [[]] * len(x)
        for label in np.unique(labels, axis=0):
            rows = np.flatnonzero((labels == label).all(1))
            found, names = self.nearest(x[rows], np.repeat(label[None], DRAWN, 0), count)
            begin[rows] = found
            for row, name in zip(rows, names, strict=True):
                whence[row] = name
        return begin, whence

    def nearest(self, x: Tensor, labels: np.ndarray | None, count: int) -> tuple[Tensor, list[list[Start]]]:
        """As ``starts``, for pictures that share the ``labels`` [m, columns] of the draws."""
        key = b"" if labels is None else labels.tobytes()
        if key not in self.own:
            codes = self.coded(self.z, labels)
            self.own = {key: (codes, self.made(codes))}
        codes, pictures = self.own[key]
        costs = self.eye.distances(x, pictures).double()
        costs = costs - FIRST * best_of_each(costs, labels)
        order = costs.argsort(dim=1, stable=True)
        special = [*self.encoded(x, labels), *self.mean(codes, labels, len(x))][:count]
        rest = order[:, : count - len(special)]
        begin = torch.cat([torch.stack([code for code, _ in special], 1), codes[rest]], 1) if special else codes[rest]
        told = [Start(f"draw {i}", None if labels is None else labels[i]) for i in range(DRAWN)]
        return begin, [[*(s[row] for _, s in special), *(told[i] for i in rest[row])] for row in range(len(x))]

    def mean(self, codes: Tensor, labels: np.ndarray | None, n: int) -> list[tuple[Tensor, list[Start]]]:
        """The mean style, n times, of a network that has styles."""
        if not isinstance(self.run.generator.net, Mapped):
            return []
        one = None if labels is None or len(np.unique(labels, axis=0)) > 1 else labels[0]
        return [(codes.mean(0).expand(n, -1), [Start("mean style", one)] * n)]

    @torch.no_grad()
    def encoded(self, x: Tensor, labels: np.ndarray | None) -> list[tuple[Tensor, list[Start]]]:
        """What the game's encoder says of pictures, with the label that fits best."""
        encoder, prior = self.run.encoder, self.run.generator.prior
        if encoder is None:
            return []
        tried = [None] if labels is None else [*np.unique(labels, axis=0)[:TRIED]]
        found, costs = [], []
        for label in tried:
            stored = None if label is None else np.repeat(label[None], len(x), 0)
            y = None if stored is None or self.known is None else self.known.encode(stored)
            told = encoder(Batch(x, y))
            z = told if told.shape[1] == prior.size else prior.shape(told[:, : prior.size])
            found.append(self.coded(z, stored))
            costs.append((self.eye(self.made(found[-1])) - self.eye(x)).square().sum(1))
        best = torch.stack(costs).argmin(0)
        code = torch.stack(found)[best, torch.arange(len(x))]
        return [(code, [Start("encoder", tried[i]) for i in best.tolist()])]


def spread(labels: Labels | None, u: np.ndarray) -> np.ndarray | None:
    """Stored labels [n, columns] for draws: all that there are, in turn; where there are many, as often as in data."""
    if labels is None:
        return None
    return labels.rows[np.arange(len(u)) % len(labels.rows)] if len(labels.rows) <= TRIED else labels.draw(u)


def best_of_each(costs: Tensor, labels: np.ndarray | None) -> Tensor:
    """1 for the cheapest draw of each label, else 0, [n, m], of costs [n, m]: where the label is not known, each is
    tried before a second draw of any."""
    chosen = torch.zeros_like(costs)
    if labels is None:
        return chosen
    _, kinds = np.unique(labels, axis=0, return_inverse=True)
    for kind in range(kinds.max() + 1):
        rows = torch.from_numpy(np.flatnonzero(kinds.reshape(-1) == kind))
        chosen.scatter_(1, rows[costs[:, rows].argmin(1)][:, None], 1.0)
    return chosen
