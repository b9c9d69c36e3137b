"""Conditional Image Synthesis with Auxiliary Classifier GANs. Odena et al. 2017 (AC-GAN), arXiv:1610.09585.

Measured: Fréchet distance 592.4 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.losses import non_saturating
from ganvas.players import Head, surprise


class ACGAN(Game):
    """D says whether a sample is real and, through C, what it shows; G wants to be taken for real and to be read right.

    D is not told the labels: it names them, on real and on made samples. Section 3: D and C maximise L_S + L_C,
    G maximises L_C - L_S, here with the non-saturating form of L_S. Columns of classes are named with a softmax each;
    for continuous ones, which the paper does not have, C's answer is the mean of a normal.
    """

    G: Generator  # z ~ prior and y -> x
    D: Discriminator  # batch -> logit [n]
    C: Head  # D's features -> what the labels are
    class_weight: float = 1.0  # weight of L_C beside L_S

    @classmethod
    def conditions(cls, labels: Labels | None, settings: Mapping[str, Any]) -> Labels | None:
        """The data's labels. Raises InputError without any."""
        return known(labels)

    @classmethod
    def sizes(cls, player: str, latent: int, features: int, labels: Labels | None) -> tuple[int, int]:
        """C reads D's features and answers in the shape of an encoded condition."""
        return features, known(labels).width

    def optimiser(self, player: str) -> Adam:
        """The rates that the paper's tables begin with: DCGAN's."""
        return Adam(2e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D and C together, then G through both."""
        real = next(batches)
        fake = self.G.sample(like=real)
        r, f = self.D(untold(real)), self.D(untold(fake.detach()))
        named, misnamed = self.misnaming(real), self.misnaming(fake.detach())
        belief = non_saturating.belief
        notes = {"real": belief(r), "fake": belief(f), "class_real": named, "class_fake": misnamed}
        source = non_saturating.discriminator(r, f)  # -L_S, eq. (2)
        yield Move((self.D, self.C), source + self.class_weight * (named + misnamed), notes)

        taken = non_saturating.generator(r, self.D(untold(fake)))
        yield Move(self.G, taken + self.class_weight * self.misnaming(fake))

    def misnaming(self, batch: Batch) -> Tensor:
        """Minus a batch's part of L_C, eq. (3): how little C expects the labels."""
        if batch.y is None:
            raise InputError("acgan plays with labels and this batch has none; without labels play gan or r3gan")
        return sum(surprise(known(self.G.labels), self.C(self.D.features(batch)), batch.y), batch.x.new_zeros(()))


def untold(batch: Batch) -> Batch:
    """The batch without its labels: what D is to judge the source of."""
    return replace(batch, y=None)


def known(labels: Labels | None) -> Labels:
    """The labels. Raises InputError for None."""
    if labels is None:
        raise InputError("acgan needs labels and the data has none; without labels play gan or r3gan")
    return labels
