"""The roles that players have beside generator and discriminator. A game's annotation names the role it wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganvas.game import Batch, Discriminator

if TYPE_CHECKING:
    from ganvas.labels import Labels


class Encoder(nn.Module):
    """What is to be told of each sample: a batch -> [n, outputs]. Nets that have one bring it."""

    def forward(self, batch: Batch) -> Tensor:
        """[n, outputs]."""
        raise TypeError(f"{type(self).__name__} must define forward(batch) -> [n, outputs]")


class Head(nn.Module):
    """Reads a discriminator's features (or anything else of ``size`` numbers): [n, size] -> [n, outputs]."""

    def __init__(
        self,
        size: int,
        outputs: int,
        units: int = 128,  # of the hidden layer; 0: none
    ) -> None:
        super().__init__()
        hidden = [nn.Linear(size, units), nn.LeakyReLU(0.1)] if units else []
        self.layers = nn.Sequential(*hidden, nn.Linear(units or size, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """[n, size] -> [n, outputs]."""
        found: Tensor = self.layers(features)
        return found


class Autoencoder(Discriminator):
    """A discriminator that scores a sample by how well it can be rebuilt: minus its energy.

    Energy-based GAN, Zhao et al. 2017, arXiv:1609.03126, section 2.3; here the mean absolute error, as in BEGAN
    (Berthelot et al. 2017, arXiv:1703.10717, section 3.1), so that its size does not depend on that of the sample.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Module, size: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head, self.size = encoder, decoder, head, size

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]: 0 for a sample rebuilt without error, below 0 else."""
        return -(batch.x - self.rebuilt(batch)).abs().flatten(1).mean(1)

    def features(self, batch: Batch) -> Tensor:
        """The code [n, size]."""
        code: Tensor = self.encoder(batch)
        return code

    def rebuilt(self, batch: Batch) -> Tensor:
        """Each sample by way of its code [n, *shape]."""
        rebuilt: Tensor = self.head(self.decoder(self.features(batch), batch.y))
        return rebuilt


def surprise(labels: Labels, told: Tensor, y: Tensor) -> list[Tensor]:
    """How little an answer ``told`` [n, c] expects the conditions ``y`` [n, c]: -E log q(y | told), for each column.

    ``told`` is laid out as ``y``. A block of classes is read as a softmax (cross entropy), a number as the mean of a
    normal with variance 1 (half the squared error; the constant log(2π)/2 is left out).
    """
    widths = [column.width for column in labels.columns]
    return [
        cross_entropy(said, true) if column.classes else 0.5 * (said - true).square().mean()
        for column, said, true in zip(
            labels.columns, told.float().split(widths, 1), y.float().split(widths, 1), strict=True
        )
    ]


class SelfSupervised(Discriminator):
    """A discriminator that learns from real samples besides judging them: it draws them again from its features."""

    def reconstruct(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Scores [n] as ``forward`` gives them, what it draws [n, m], and what that should have been [n, m]."""
        raise TypeError(f"{type(self).__name__} must define reconstruct(batch) -> scores, drawn, wanted")


class Growing:
    """A network that can play with coarse samples first: at level 0 the coarsest, at level ``top`` all of them.

    Its samples keep their full size; between two levels the finer one fades in. A game that never tells it to grow
    finds it at the top.
    """

    top: int

    def grow(self, level: float) -> None:
        """Play at this level from now on: 0 … ``top``; more is the top."""
        raise TypeError(f"{type(self).__name__} must define top and grow(level)")


Support = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor | None, Tensor | None]]
"""(part, samples so far [n, d], which parts of them are decided [n, parts]) -> which outcomes are allowed [n, outcomes]
(1 or 0, or a share of each), and between which values a number may lie (least [n], greatest [n], as encoded)."""


class Completer(nn.Module):
    """A generator's network that fills in what is not known of a sample. ``latent`` numbers decide what it fills in."""

    latent: int
    parts: int

    def complete(
        self, z: Tensor, x: Tensor, known: Tensor, support: Support | None = None, first: Sequence[int] = ()
    ) -> Tensor:
        """Samples x [n, *shape] with the parts that are not ``known`` [n, parts] decided by z [n, latent].

        Those of ``first`` are decided before the others, which then go by them.
        """
        raise TypeError(f"{type(self).__name__} must define complete(z, x, known, support, first) -> x")


class Autoregressive(Completer):
    """A completer that decides one part of a sample after the other, each from those that are known.

    So it can say how likely a sample is.
    """

    def orders(self, batch: Batch) -> Tensor:
        """What each part of each sample may see in training [n, parts, parts], 1 or 0."""
        raise TypeError(f"{type(self).__name__} must define orders(batch) -> [n, parts, parts]")

    def gaps(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As ``orders`` for samples with holes, whose parts are not all there, and which are [n, parts], 1 or 0."""
        raise TypeError(f"{type(self).__name__} must define gaps(batch) -> [n, parts, parts], [n, parts]")

    def shares(self, x: Tensor, known: Tensor) -> list[Tensor]:
        """How likely each outcome of each part is, [n, outcomes], by the other parts that are ``known`` [n, parts]."""
        raise TypeError(f"{type(self).__name__} must define shares(x, known) -> [n, outcomes] of each part")

    def surprise(self, x: Tensor, orders: Tensor) -> Tensor:
        """-log p(part | the parts it may see) [n, parts]."""
        raise TypeError(f"{type(self).__name__} must define surprise(x, orders) -> [n, parts]")

    def decide(
        self, z: Tensor, x: Tensor, known: Tensor, support: Support | None, order: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """As ``complete`` for the parts of ``order`` alone; and how likely what ``support`` allowed was [n], of all but
        the first part that it decided of a row."""
        raise TypeError(f"{type(self).__name__} must define decide(z, x, known, support, order) -> x, mass")


def reparameterised(batch: Batch, told: Tensor) -> tuple[Tensor, Tensor]:
    """From an encoder's answer [n, 2 d] (means, log variances): a code drawn from it [n, d] and KL(q ‖ N(0, 1)) [n].

    Kingma & Welling 2014, arXiv:1312.6114, section 2.4 and appendix B.
    """
    mean, log_variance = told.float().chunk(2, 1)
    code = mean + torch.exp(0.5 * log_variance) * batch.normal(mean.shape[1])
    return code, 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
