"""A discriminator of any net, dressed: what it sees is augmented, and it may see how much a batch varies."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator
from ganvas.layers.condition import Projection
from ganvas.layers.minibatch import MinibatchDiscrimination, MinibatchStd
from ganvas.players import SelfSupervised
from ganvas.rules.augment import Augment, noise

KERNELS = 16  # measures by which minibatch discrimination compares samples


class Dressed(SelfSupervised):
    """``net`` behind glasses. In eval mode it sees samples as they are."""

    def __init__(self, net: Discriminator, augment: Augment | None, crowd: Crowd | None) -> None:
        super().__init__()
        self.net, self.augment, self.crowd = net, augment, crowd
        self.size = getattr(net, "size", 0)
        self.register_buffer("sigma", torch.zeros(()))  # of instance noise
        self.register_buffer("sign", torch.zeros(()))  # how surely real is told from made, lately: ADA's r_t
        self.sigma: Tensor
        self.sign: Tensor

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        seen = self.seen(batch)
        if self.crowd is None:
            scores: Tensor = self.net(seen)
            return scores
        found: Tensor = self.crowd(self.net.features(seen), batch.y)
        return found

    def features(self, batch: Batch) -> Tensor:
        """[n, size] of the net."""
        return self.net.features(self.seen(batch))

    def reconstruct(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """What a net that learns by itself draws again of what it saw; an InputError for any other."""
        if not isinstance(self.net, SelfSupervised):
            raise InputError("this discriminator does not reconstruct samples; use --net fastgan")
        seen = self.seen(batch)
        scores, drawn, wanted = self.net.reconstruct(seen)
        if self.crowd is not None:
            scores = self.crowd(self.net.features(seen), batch.y)
        return scores, drawn, wanted

    def seen(self, batch: Batch) -> Batch:
        """The batch through the glasses."""
        if self.training and self.augment is not None:
            batch = self.augment(batch)
        if self.training and self.sigma > 0:
            batch = noise(batch, self.sigma)
        return batch


class Crowd(nn.Module):
    """The last layer of a discriminator, which also sees the other samples of the batch.

    Salimans et al. 2016, arXiv:1606.03498, section 3.2; Karras et al. 2018, arXiv:1710.10196, section 3.
    """

    def __init__(self, kind: Literal["discrimination", "std"], size: int, condition: int) -> None:
        super().__init__()
        if not size:
            raise InputError("--minibatch needs a discriminator with features; this one has none")
        self.measure = MinibatchDiscrimination(size, KERNELS) if kind == "discrimination" else MinibatchStd()
        self.kind = kind
        self.judge = Projection(size + (KERNELS if kind == "discrimination" else 1), condition)

    def forward(self, features: Tensor, y: Tensor | None) -> Tensor:
        """Features [n, size] and conditions -> scores [n]."""
        told = self.measure(features)
        together = told if self.kind == "std" else torch.cat([features, told.to(features.dtype)], 1)
        scores: Tensor = self.judge(together, y)
        return scores
