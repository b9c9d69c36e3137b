"""Towards Faster and Stabilized GAN Training. Liu et al. 2021 (FastGAN), arXiv:2101.04775.

Measured: Fréchet distance 1407.3 on MNIST after 12,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Game, Move
from ganvas.generator import Generator
from ganvas.losses import hinge
from ganvas.players import SelfSupervised


class FastGAN(Game):
    """The hinge game for few pictures: D must also be able to draw real pictures again from what it saw in them.

    What D learns that way it cannot learn by heart as fast as a single judgement: section 3.2. The paper compares
    drawn and real pictures by LPIPS, a pretrained network; here they are compared pixel by pixel, with nothing
    pretrained. D draws real pictures only, eq. (4), and G's move meets the pictures that D has just judged.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: SelfSupervised  # batch -> score [n]; draws what it saw
    reconstruction: float = 1.0  # weight of the distance between drawn and real pictures
    distance: Literal["l1", "l2"] = "l1"  # … which is the mean absolute or the mean squared difference

    def __post_init__(self) -> None:
        if self.reconstruction < 0 or self.distance not in ("l1", "l2"):
            raise InputError("--reconstruction must be 0 or more, and --distance l1 or l2")

    def optimiser(self, player: str) -> Adam:
        """The rates of the authors' code, for both players."""
        return Adam(2e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round, eqs. (5, 6): D, then G."""
        real = next(batches)
        fake = self.G.sample(like=real)
        r, drawn, wanted = self.D.reconstruct(real)
        f = self.D(fake.detach())
        gap = drawn - wanted
        distance = gap.abs().mean() if self.distance == "l1" else gap.square().mean()
        loss = hinge.discriminator(r, f) + self.reconstruction * distance
        yield Move(self.D, loss, {"real": r, "fake": f, "reconstruction": distance})

        yield Move(self.G, hinge.generator(r, self.D(fake)))
