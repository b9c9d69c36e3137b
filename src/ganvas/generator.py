"""Generator = network + prior + head: all that is left, and all that is needed, when the game is over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.game import Batch
from ganvas.labels import Labels, chosen
from ganvas.latents import CHUNK, ROWS, Prior
from ganvas.layers.mapped import Mapped
from ganvas.players import Completer


class Generator(nn.Module):
    """The painter: latents z ~ prior (and conditions y) -> encoded samples x.

    ``net(z [n, latent], y [n, c] or None) -> [n, *shape]``, then ``head`` makes it a valid sample.
    """

    def __init__(self, net: nn.Module, prior: Prior, head: nn.Module | None = None, labels: Labels | None = None):
        super().__init__()
        self.net, self.head = net, head or nn.Identity()
        self.prior, self.labels = prior, labels

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Latents [n, latent] and conditions [n, c] -> encoded samples [n, *shape]."""
        x: Tensor = self.head(self.net(z, y))
        return x

    def sample(self, n: int | None = None, like: Batch | None = None) -> Batch:
        """A batch made from fresh latents: with the labels and random numbers of ``like``, or ``n`` samples with
        labels drawn from the training distribution. Keeps the graph."""
        if like is not None:
            return like.at(self(self.prior.shape(like.normal(self.prior.size)), like.y))
        weight = next(self.parameters())
        z = self.prior.shape(torch.randn(n or 1, self.prior.size)).to(weight.device)
        y = None
        if self.labels:
            y = self.labels.encode(self.labels.draw(torch.rand(len(z)).double().numpy())).to(weight.device)
        return Batch(self(z, y), y)

    def paths(self, like: Batch) -> tuple[Tensor, Tensor]:
        """Latents [n, d] (styles, where the network has them) and the samples made from them, which depend on them:
        what path length regularisation looks at."""
        z = self.prior.shape(like.normal(self.prior.size)).requires_grad_()
        if isinstance(self.net, Mapped):
            w = self.net.map(z, like.y)
            return w, self.head(self.net.make(w))
        return z, self(z, like.y)

    @torch.no_grad()
    def draw(
        self, indices: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
    ) -> tuple[Tensor, np.ndarray | None]:
        """Samples number ``indices`` of ``seed``: encoded [n, *shape] on the CPU and their stored labels [n, c].

        Made in eval mode, in chunks of a fixed size, so the same (seed, index) is the same sample in any call.
        ``truncation`` narrows a normal prior, and in networks with styles draws them to their mean (1 leaves them).
        ``label`` may be one label for all, a list [n] of them, or an array [n, columns] of stored labels. Raises
        InputError for an unknown label.
        """
        styled = isinstance(self.net, Mapped) and truncation is not None  # then styles are truncated, not latents
        drawn, u = self.prior.latents(seed, indices, None if styled else truncation)
        z, labels = torch.from_numpy(drawn), chosen(self.labels, u, label)
        y = None if labels is None or self.labels is None else self.labels.encode(labels)
        was_training, parts = self.training, []
        self.eval()
        step = ROWS if isinstance(self.net, Completer) else CHUNK
        for start in range(0, len(z), step):
            told = None if y is None else y[start : start + step]
            parts.append(self._chunk(z[start : start + step], told, truncation if styled else None, step))
        self.train(was_training)
        return torch.cat(parts) if parts else torch.empty(0), labels

    def _chunk(self, z: Tensor, y: Tensor | None, psi: float | None, step: int) -> Tensor:
        device, n = next(self.parameters()).device, len(z)
        fill = torch.arange(step) % n  # a short chunk is filled up and cut again
        z, y = z[fill].to(device), None if y is None else y[fill].to(device)
        x: Tensor
        if psi is not None and isinstance(self.net, Mapped):
            x = self.head(self.net.make(self.net.truncated(self.net.map(z, y), psi)))
        else:
            x = self(z, y)
        return x[:n].float().cpu()
