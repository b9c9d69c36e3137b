"""Auto-Encoding Variational Bayes. Kingma & Welling 2014 (VAE), arXiv:1312.6114.

Measured: Fréchet distance 1204.1 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Game, Move
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.players import Encoder, reparameterised


class VAE(Game):
    """E says which latents a sample may come from, G rebuilds it. No adversary: what encoders of GANs are compared to.

    Eq. (10), negated and times σ²: half the squared error of x ~ N(G(z), σ²) and σ² KL(q(z | x) ‖ p(z)). Where the
    prior of G is not normal, a normal code is shaped like it.
    """

    G: Generator  # z (and y) -> the mean of p(x | z)
    E: Encoder  # batch -> means and log variances [n, 2 latent] of q(z | x)
    kl_weight: float = 1.0  # σ² of p(x | z): large for a smooth latent space, small for exact reconstructions

    def __post_init__(self) -> None:
        if self.kl_weight <= 0:
            raise InputError("--kl-weight must be more than 0: it is a variance")

    @classmethod
    def sizes(cls, player: str, latent: int, features: int, labels: Labels | None) -> tuple[int, int]:
        """E answers with a mean and a log variance for each latent."""
        return 0, 2 * latent

    def optimiser(self, player: str) -> Adam:
        """Adam's defaults."""
        return Adam(1e-3, (0.9, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round, Algorithm 1 with one draw for each sample: E and G together."""
        real = next(batches)
        code, kl = reparameterised(real, self.E(real))
        error = (self.G(self.G.prior.shape(code), real.y) - real.x).float().square().flatten(1)
        loss = 0.5 * error.sum(1).mean() + self.kl_weight * kl.mean()
        yield Move((self.G, self.E), loss, {"reconstruction": error.mean(), "kl": kl.mean()})
