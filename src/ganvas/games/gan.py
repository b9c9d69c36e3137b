"""Generative Adversarial Nets. Goodfellow et al. 2014, arXiv:1406.2661, Algorithm 1.

Measured: Fréchet distance 95.2 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ganvas import losses
from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator


class GAN(Game):
    """The original game, with the loss of your choice.

    D learns to tell real from made, G to be taken for real. At equilibrium p_g = p_data, D = 1/2 and, for the
    minimax loss, V = -log 4 (Theorem 1). G's move meets the batch that D's last move has just judged, through the
    updated D: one pass of G for both, as in Algorithm 1. Adam(2e-4, 0.5, 0.999): DCGAN, arXiv:1511.06434.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: Discriminator  # batch -> logit [n]
    loss: Literal["minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"] = (
        "non_saturating"  # what the players descend
    )
    discriminator_moves: int = 1  # k: moves of D in a round
    generator_moves: int = 1  # moves of G in a round
    turns: Literal["moves", "epochs"] = "moves"  # what discriminator_moves and generator_moves count

    real_target: float = 1.0  # what D aims at on real samples: below 1 is one-sided label smoothing (0.9)
    top_k: float = 1.0  # share of its samples, those D takes for most real, by which G learns

    def __post_init__(self) -> None:
        if not (0.5 < self.real_target <= 1 and 0 < self.top_k <= 1):
            raise InputError("--real-target must be above 0.5 and at most 1, --top-k above 0 and at most 1")
        if self.discriminator_moves < 1 or self.generator_moves < 1:
            raise InputError("--discriminator-moves and --generator-moves must be 1 or more")

    def optimiser(self, player: str) -> Adam:
        """Radford et al. 2016, section 4."""
        return Adam(2e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: k moves of D, then G's."""
        loss = losses.top_k(losses.smoothed(losses.ALL[self.loss], self.real_target), self.top_k)
        turn = self.epoch if self.turns == "epochs" else 1
        for _ in range(self.discriminator_moves * turn):
            real = next(batches)
            fake = self.G.sample(like=real)
            r, f = self.D(real), self.D(fake.detach())
            yield Move(self.D, loss.discriminator(r, f), {"real": loss.belief(r), "fake": loss.belief(f)})
        for move in range(self.generator_moves * turn):
            if move:
                real = next(batches)
                fake = self.G.sample(like=real)
            r = self.D(real) if loss.pairs else f
            yield Move(self.G, loss.generator(r, self.D(fake)))
