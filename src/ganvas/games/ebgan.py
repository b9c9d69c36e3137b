"""Energy-based Generative Adversarial Networks. Zhao et al. 2017 (EBGAN), arXiv:1609.03126.

Measured: Fréchet distance 396.3 on MNIST after 100,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import normalize, relu

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Game, Move
from ganvas.generator import Generator
from ganvas.players import Autoencoder


class EBGAN(Game):
    """D gives each sample an energy, how badly its autoencoder rebuilds it: low on the data, up to a margin elsewhere.

    Eqs. (1, 2). The energy is minus D's score: here the mean absolute error, so the margin does not depend on the
    size of a sample. The pulling-away term, section 2.4, spreads the codes of a batch of made samples over directions;
    it looks at pairs, so four accumulated plays are not the same as one.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: Autoencoder  # batch -> minus the energy [n]
    margin: float = 0.2  # m: made samples with more energy leave D alone
    pulling_away: float = 0.0  # weight of the pulling-away term in G's loss; the paper's EBGAN-PT: 0.1

    def __post_init__(self) -> None:
        if self.margin <= 0 or self.pulling_away < 0:
            raise InputError("--margin must be more than 0, --pulling-away 0 or more")

    def optimiser(self, player: str) -> Adam:
        """As DCGAN, Radford et al. 2016, arXiv:1511.06434."""
        return Adam(2e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D, then G on the samples that D has just judged."""
        real = next(batches)
        fake = self.G.sample(like=real)
        r, f = self.D(real), self.D(fake.detach())
        yield Move(self.D, margin_loss(r, f, self.margin), {"real": r, "fake": f})

        energy = -self.D(fake).mean()
        if self.pulling_away:
            energy = energy + self.pulling_away * alike(self.D.features(fake))
        yield Move(self.G, energy)


def margin_loss(r: Tensor, f: Tensor, margin: float) -> Tensor:
    """E D(x) + E max(0, m - D(G(z))) of scores [n], which are minus the energies: eq. (1)."""
    return relu(margin + f).mean() - r.mean()


def alike(codes: Tensor) -> Tensor:
    """The mean squared cosine between the codes [n, size] of two different samples, 0 … 1: section 2.4."""
    directions = normalize(codes.float(), dim=1)
    cosines = directions @ directions.T
    n = len(codes)
    return (cosines.square().sum() - torch.diagonal(cosines).square().sum()) / max(1, n * (n - 1))
