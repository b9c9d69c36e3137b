"""TAEGAN: generating synthetic tabular data for data augmentation. Li et al. 2024, arXiv:2410.01933."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.losses import relativistic
from ganvas.penalties import slope, squared_norm
from ganvas.players import Autoregressive


class TAEGAN(Game):
    """A masked autoencoder is the generator: it warms up on its own, then a critic of whole rows refines it.

    Sections 3 and 4 give the idea; here the autoencoder decides a row's columns one after the other, so it can say how
    likely a row is, and the warm-up is maximum likelihood over random orders. It ends when the score of the held-out
    rows has not improved for ``patient`` checkpoints, or after its share of the run. In the refinement G makes rows,
    and completes known parts of others, with straight-through gradients; the likelihood stays beside the critic.
    Whether that helped is for the held-out rows to say: the run keeps the checkpoint with the best score.
    """

    G: Generator  # z -> row; its network is Autoregressive
    D: Discriminator  # batch -> score [n]: the critic
    warm: float = 0.85  # share of the planned samples after which the refinement begins at the latest
    patient: int = 4  # … or checkpoints without a better score; 0: no refinement
    critic: float = 0.1  # weight of the critic beside the likelihood
    judged: float = 0.25  # share of a batch that the critic sees
    gamma: float = 0.1  # weight of R1 and R2
    holes: bool = False  # missing values are holes to be filled, not values of their own; then no refinement

    def __post_init__(self) -> None:
        if not isinstance(self.G.net, Autoregressive):
            raise InputError("taegan needs a generator that completes rows; use --net masked")
        if not 0 < self.judged <= 1:
            raise InputError(f"--judged {self.judged} is no share of a batch; give one above 0, at most 1")
        if not 0 < self.warm <= 1 or self.patient < 0 or self.critic < 0 or self.gamma < 0:
            raise InputError("--warm is a share of the run, --patient, --critic and --gamma are 0 or more")
        self.register_buffer("best", torch.tensor(1e30))  # score of a checkpoint in the warm-up
        self.register_buffer("waited", torch.zeros(()))  # checkpoints since
        self.best: Tensor
        self.waited: Tensor

    @property
    def net(self) -> Autoregressive:
        """The generator's network."""
        assert isinstance(self.G.net, Autoregressive)
        return self.G.net

    @property
    def refining(self) -> bool:
        """Whether the warm-up is over."""
        late = bool(self.planned) and self.seen >= self.warm * self.planned
        return self.patient > 0 and not self.holes and (late or float(self.waited) >= self.patient)

    def optimiser(self, player: str) -> Adam:
        """The generator's rate falls on half a cosine over the run."""
        return Adam(5e-4) if player == "D" else Adam(self.burn_in(2e-3, 5e-5, 1.0), (0.9, 0.99))

    def heard(self, score: float) -> None:
        """Count the checkpoints since the best one, as long as the warm-up lasts."""
        if not self.refining:
            better = score < float(self.best)
            self.waited.fill_(0.0 if better else float(self.waited) + 1)
            self.best.fill_(min(score, float(self.best)))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: likelihood alone, or D and then G by likelihood and critic."""
        real = next(batches)
        if not self.refining:
            surprise = self.surprise(real)
            yield Move(self.G, surprise, {"surprise": surprise})
            return
        part = real[: max(1, round(self.judged * len(real)))]
        fake = self.made(part)
        r, slope_real = slope(self.D, part)
        f, slope_fake = slope(self.D, fake.detach())
        penalty = 0.5 * self.gamma * (squared_norm(slope_real) + squared_norm(slope_fake)).mean()
        yield Move(self.D, relativistic.discriminator(r, f) + penalty, {"real": r, "fake": f, "penalty": penalty})

        surprise = self.surprise(real)
        fooled = relativistic.generator(self.D(part), self.D(fake))
        yield Move(self.G, surprise + self.critic * fooled, {"surprise": surprise})

    def surprise(self, real: Batch) -> Tensor:
        """-log p of a row, by a random order for each; of one with holes, of what is there, by random others."""
        if self.holes:
            seen, there = self.net.gaps(real)
            return (self.net.surprise(real.x, seen) * there).sum(1).mean()
        return self.net.surprise(real.x, self.net.orders(real)).sum(1).mean()

    def made(self, real: Batch) -> Batch:
        """Rows of which a random part is taken from the real ones: nothing of every second row."""
        u = real.uniform(self.net.parts + 2)
        known = (u[:, :-2] < u[:, -2:-1]) & (u[:, -1:] < 0.5)
        return real.at(self.net.complete(self.G.prior.shape(real.normal(self.net.latent)), real.x, known))
