"""Unrolled Generative Adversarial Networks. Metz et al. 2017, arXiv:1611.02163.

Measured: Fréchet distance 1114.9 on MNIST after 20,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.func import functional_call

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.losses import log_loss


class UnrolledGAN(Game):
    """The original game in which G foresees how D will answer, so running to one mode does not pay.

    Section 2.2: G descends V at the weights that D will have after k more steps against it, and through these steps.
    D itself moves as ever. The foreseen steps are plain gradient steps on the same batch, with a rate of their own:
    they have to go about as far as D's Adam does. D answers to the batch it sees: four accumulated plays foresee other
    answers than one.
    """

    G: Generator  # z ~ prior (and y) -> x
    D: Discriminator  # batch -> logit [n]
    unroll: int = 5  # k: steps of D that G foresees; 0: the original minimax game
    unroll_lr: float = 0.05  # η: learning rate of these steps

    def __post_init__(self) -> None:
        if self.unroll < 0 or self.unroll_lr <= 0:
            raise InputError("--unroll must be 0 or more, --unroll-lr more than 0")

    def optimiser(self, player: str) -> Adam:
        """Those of the paper's mixture of normals: G moves ten times as fast as D, whose answer it foresees."""
        return Adam(1e-3 if player == "G" else 1e-4, (0.5, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D by its ordinary move, then G against the D it foresees."""
        real = next(batches)
        fake = self.G.sample(like=real)
        r, f = self.D(real), self.D(fake.detach())
        yield Move(self.D, log_loss(r, f), {"real": torch.sigmoid(r), "fake": torch.sigmoid(f)})
        yield Move(self.G, -self.foreseen(real, fake))

    def foreseen(self, real: Batch, fake: Batch) -> Tensor:
        """D's loss, -V, after k steps from where it stands: differentiable through the steps. D is left alone."""
        buffers = {name: buffer.clone() for name, buffer in self.D.named_buffers()}
        weights = {name: w.detach().requires_grad_() for name, w in self.D.named_parameters() if w.requires_grad}
        for _ in range(self.unroll):
            slopes = torch.autograd.grad(
                self.loss(weights | buffers, real, fake), [*weights.values()], create_graph=True, materialize_grads=True
            )
            steps = zip(weights.items(), slopes, strict=True)
            weights = {name: w - self.unroll_lr * slope for (name, w), slope in steps}
        return self.loss(weights | buffers, real, fake)

    def loss(self, state: dict[str, Tensor], real: Batch, fake: Batch) -> Tensor:
        """What D would lose with these weights and buffers."""
        r: Tensor = functional_call(self.D, state, (real,))
        f: Tensor = functional_call(self.D, state, (fake,))
        return log_loss(r, f)
