"""Adversarial Feature Learning. Donahue et al. 2017 (BiGAN), arXiv:1605.09782.

Measured: Fréchet distance 398.0 on MNIST after 100,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.losses import log_loss
from ganvas.players import Encoder, Head


class BiGAN(Game):
    """The judge sees pairs: (x, E(x)) of real samples against (G(z), z). To fool it, E must come to invert G.

    Eqs. (2, 3). The logit of a pair is D(x) + J(features of x, z): as general as any function of the pair, and any
    net's discriminator serves. E is deterministic; adversarially learned inference (Dumoulin et al. 2017,
    arXiv:1606.00704) draws z from a normal. E and G move together with the labels swapped, section 3.4: the same fixed
    point, stronger gradients.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: Discriminator  # batch -> logit [n] of the sample alone
    E: Encoder  # batch -> z [n, latent]
    J: Head  # D's features and z -> logit [n, 1] of the pair

    @classmethod
    def sizes(cls, player: str, latent: int, features: int, labels: Labels | None) -> tuple[int, int]:
        """E answers with a latent, J reads D's features and a latent."""
        return (features + latent, 1) if player == "J" else (0, latent)

    def optimiser(self, player: str) -> Adam:
        """As DCGAN, Radford et al. 2016, arXiv:1511.06434."""
        return Adam(2e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D and J, then E and G, on the same pairs."""
        real = next(batches)
        z = self.G.prior.shape(real.normal(self.G.prior.size))
        fake, code = real.at(self.G(z, real.y)), self.E(real)
        r, f = self.judged(real, code.detach()), self.judged(fake.detach(), z)
        yield Move((self.D, self.J), log_loss(r, f), {"real": torch.sigmoid(r), "fake": torch.sigmoid(f)})

        yield Move((self.G, self.E), log_loss(self.judged(fake, z), self.judged(real, code)))

    def judged(self, batch: Batch, z: Tensor) -> Tensor:
        """The logits [n] of pairs of a sample and a latent [n, latent]."""
        pair: Tensor = self.J(torch.cat([self.D.features(batch), z], 1)).squeeze(1)
        return self.D(batch) + pair
