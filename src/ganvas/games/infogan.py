"""Interpretable representation learning by information maximisation. Chen et al. 2016 (InfoGAN), arXiv:1606.03657.

Measured: Fréchet distance 750.2 on MNIST after 100,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.labels import ROWS_KEPT, Column, Labels
from ganvas.losses import non_saturating
from ganvas.players import Head, surprise

SPREAD = 3**-0.5  # standard deviation of U(-1, 1)


class InfoGAN(Game):
    """G is told codes that mean nothing yet, and Q must be able to read them from the sample: so they come to mean
    what varies most in the data.

    The codes are G's labels, ``code`` (a class) and ``c1``, ``c2`` … (uniform in [-1, 1]); those of the data are not
    looked at. Q reads D's features and bounds the mutual information of codes and samples from below, eq. (5):
    L_I = E log Q(c | x) + H(c). Eq. (6): min over G and Q, max over D of V(D, G) - λ L_I(G, Q).
    """

    G: Generator  # z ~ prior and codes -> x
    D: Discriminator  # batch -> logit [n]
    Q: Head  # D's features -> what the codes were
    categories: int = 10  # classes of the code; 0: no such code
    continuous: int = 2  # continuous codes
    info_weight: float = 1.0  # λ of the code of classes
    continuous_weight: float = 0.1  # λ of the continuous codes

    @classmethod
    def conditions(cls, labels: Labels | None, settings: Mapping[str, Any]) -> Labels | None:
        """The codes: classes in equal shares, numbers uniform in [-1, 1]. Raises InputError when there are none."""
        categories = settings.get("categories", cls.categories)
        continuous = settings.get("continuous", cls.continuous)
        if categories < 0 or continuous < 0 or not categories + continuous:
            raise InputError("infogan needs a code; give --categories 2 or more, or --continuous 1 or more")
        classes = [Column("code", tuple(map(str, range(categories))))] if categories else []
        numbers = [Column(f"c{i + 1}", std=SPREAD) for i in range(continuous)]
        count = ROWS_KEPT - ROWS_KEPT % max(1, categories)
        rows = np.random.Generator(np.random.Philox(key=[0, 0])).uniform(-1, 1, (count, len(classes) + continuous))
        if categories:
            rows[:, 0] = np.arange(count) % categories
        return Labels((*classes, *numbers), rows, np.full(count, 1 / count))

    @classmethod
    def sizes(cls, player: str, latent: int, features: int, labels: Labels | None) -> tuple[int, int]:
        """Q reads D's features and answers in the shape of encoded codes."""
        return features, coded(labels).width

    def optimiser(self, player: str) -> Adam:
        """Appendix C.1: D learns more slowly than G and Q."""
        return Adam(2e-4 if player == "D" else 1e-3, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D, then G and Q together."""
        real = next(batches)
        codes = coded(self.G.labels)
        y = codes.encode(codes.draw(real.uniform().double().cpu().numpy())).to(real.x.device)
        fake = self.G.sample(like=replace(real, y=y))
        r, f = self.D(real), self.D(fake.detach())
        belief = non_saturating.belief
        yield Move(self.D, non_saturating.discriminator(r, f), {"real": belief(r), "fake": belief(f)})

        unread = surprise(codes, self.Q(self.D.features(fake)), y)
        taken = non_saturating.generator(r, self.D(fake))
        yield Move((self.G, self.Q), taken + self.weighed(unread), {"information": information(codes, unread)})

    def weighed(self, unread: list[Tensor]) -> Tensor:
        """λ times -E log Q(c | x)."""
        weights = [self.info_weight] * bool(self.categories) + [self.continuous_weight] * self.continuous
        return torch.stack([w * u for w, u in zip(weights, unread, strict=True)]).sum()


def coded(labels: Labels | None) -> Labels:
    """The codes. Raises InputError for a generator without any."""
    if labels is None:
        raise InputError("infogan's generator is told codes: make it with labels=InfoGAN.conditions(None, {})")
    return labels


def information(codes: Labels, unread: list[Tensor]) -> Tensor:
    """L_I in nats, eq. (5): what Q reads of the codes, at most log(classes) and log(2 / std) - log(2π) / 2 of a number.

    Negative while Q knows less than the codes' distribution.
    """
    most = [
        math.log(c.width) if c.classes else math.log(2 / c.std) - 0.5 * math.log(2 * math.pi) for c in codes.columns
    ]
    return sum(most) - torch.stack(unread).sum()
