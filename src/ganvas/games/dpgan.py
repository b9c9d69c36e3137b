"""Differentially Private Generative Adversarial Network. Xie et al. 2018, arXiv:1802.06739."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch.nn.functional import softplus
from torch.nn.modules.batchnorm import _BatchNorm

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.guarded import noised
from ganvas.losses import non_saturating


class DPGAN(Game):
    """Real samples reach D alone, and only by bounded, noised gradients; so whatever G learns of D is private too.

    Algorithm 1 with the non-saturating losses and many moves of D for one of G, as Bie et al. 2023,
    arXiv:2302.02936, section 3 advise: the noise makes D weak, and a weak D teaches G little. Weights are not clipped.
    Without --epsilon the noise is there but nothing is guaranteed: then batches are not drawn as the account assumes.
    """

    G: Generator  # z -> sample
    D: Discriminator  # batch -> score [n]; it judges each sample alone
    critic_moves: int = 10  # moves of D in a round
    bound: float = 1.0  # C: longest gradient of one real sample
    noise: float = 1.0  # σ: deviation of the noise over C; chosen by --epsilon

    def __post_init__(self) -> None:
        if self.critic_moves < 1 or self.bound <= 0 or self.noise < 0:
            raise InputError("--critic-moves is 1 or more, --bound more than 0, --noise 0 or more")
        if any(isinstance(part, _BatchNorm) for part in self.D.modules()):
            raise InputError("dpgan needs a discriminator that judges each sample alone; leave its batch norm out")

    @classmethod
    def private_moves(cls, settings: Mapping[str, Any]) -> int:
        """Those of D."""
        return int(settings.get("critic_moves", cls.critic_moves))

    def optimiser(self, player: str) -> Adam:
        """Moments smooth the noise."""
        return Adam(1e-3, (0.5, 0.99))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: ``critic_moves`` of D, then one of G."""
        real = next(batches)
        for move in range(self.critic_moves):
            real = next(batches) if move else real
            places = blank(real)
            fake = self.G.sample(like=places).detach()
            f = self.D(fake)
            known = noised(self.D, real, lambda r: softplus(-r), self.bound, self.noise, len(places))
            yield Move(self.D, known + softplus(f).mean(), {"fake": f})
        f = self.D(self.G.sample(like=blank(real)))
        yield Move(self.G, non_saturating.generator(f, f))


def blank(real: Batch) -> Batch:
    """Places for as many samples as a batch has on average: how many there are is private."""
    if real.draws is None or len(real) == real.draws.total:
        return real
    return Batch(real.x.new_zeros(real.draws.total, 0), None, replace(real.draws, rows=np.arange(real.draws.total)))
