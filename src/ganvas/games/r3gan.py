"""The GAN is dead; long live the GAN! Huang et al. 2024 (R3GAN), arXiv:2501.05441.

Measured: Fréchet distance 97.2 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.losses import relativistic
from ganvas.penalties import slope, squared_norm


class R3GAN(Game):
    """Relativistic pairing with R1 and R2 in every round: the modern baseline, and ganvas' default.

    D learns to score each real sample above the fake one it is paired with, eq. (2); both penalties, eqs. (3, 4),
    keep its slope flat on real and on fake samples, which is what makes the game converge locally. One cosine
    burn-in over the first share of the planned samples moves γ, β2 and, if asked, the learning rate; the loop's
    averaged generator has its own. No norm layers in D, no momentum.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: Discriminator  # batch -> score [n]
    gamma: float = 1.0  # weight of R1 and of R2 after the burn-in
    gamma_start: float | None = None  # and at its beginning; None: ten times the final one
    burn: float = 0.2  # share of the planned samples in which γ, β2 and the learning rate change
    lr_after: float = 1.0  # the learning rate after that, as a share of the first (the paper: 1 or 0.25, by data)

    def optimiser(self, player: str) -> Adam:
        """Appendix D of the paper: Adam without momentum, β2 from 0.9 to 0.99."""
        lr = 2e-4 * self.burn_in(1.0, self.lr_after, self.burn)
        return Adam(lr, (0.0, self.burn_in(0.9, 0.99, self.burn)))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D with both penalties, then G against a fresh real batch."""
        start = 10 * self.gamma if self.gamma_start is None else self.gamma_start
        gamma = self.burn_in(start, self.gamma, self.burn)
        real = next(batches)
        fake = self.G.sample(like=real).detach()
        r, slope_real = slope(self.D, real)
        f, slope_fake = slope(self.D, fake)
        penalty = 0.5 * gamma * (squared_norm(slope_real) + squared_norm(slope_fake)).mean()
        notes: dict[str, Tensor | float] = {"real": r, "fake": f, "penalty": penalty, "gamma": gamma}
        yield Move(self.D, relativistic.discriminator(r, f) + penalty, notes)

        real = next(batches)
        yield Move(self.G, relativistic.generator(self.D(real), self.D(self.G.sample(like=real))))
