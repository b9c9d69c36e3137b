"""Generators in two steps: latents are mapped to styles, samples are made from styles.

Karras et al. 2019 (StyleGAN), arXiv:1812.04948, sections 2 to 3.1 and appendix B.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganvas.errors import InputError
from ganvas.layers.equalised import EqualLinear
from ganvas.layers.norm import pixel_norm

RATE = 0.01  # learning rate of the mapping as a share of the others': arXiv:1812.04948, appendix C
DECAY = 0.998  # of the mean style, for each batch that is made in training


class Mapping(nn.Module):
    """z [n, latent] and a condition y [n, c] -> w [n, style]: ``depth`` layers with a low learning rate.

    The embedded condition is joined to z, and both together are normalised: alone, a continuous condition would keep
    nothing but its sign. With ``latent`` 0 the condition is mapped alone, as it is.
    """

    def __init__(self, latent: int, condition: int, style: int, depth: int) -> None:
        super().__init__()
        if depth < 1:
            raise InputError(f"--mapping {depth} leaves no way from z to the styles; use 1 or more")
        self.latent, self.style = latent, style
        self.embed = EqualLinear(condition, style, bias=None, gain=math.sqrt(condition)) if condition else None
        inputs = latent + (style if condition else 0)
        self.layers = nn.ModuleList(EqualLinear(style if i else inputs, style, rate=RATE) for i in range(depth))

    def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
        """z [n, latent] and y [n, c] or None -> w [n, style]."""
        if self.embed is not None:
            told = z.new_zeros(len(z), self.style) if y is None else self.embed(y)
            z = torch.cat([z, told.to(z.dtype)], 1)
        w = pixel_norm(z.float()) if self.latent else z
        for layer in self.layers:
            w = leaky_relu(layer(w), 0.2) * math.sqrt(2)
        return w


class Mapped(nn.Module):
    """A generator in two steps: ``map(z, y)`` -> w [n, style], ``make(w)`` -> samples; a subclass writes ``make``.

    ``layers`` counts the places where a style enters; w may be [n, style] or another one for each of them,
    [n, layers, style]. ``centre`` [style] is the running mean of w. While it trains, a share ``mixing`` of the samples
    takes another style from a random layer on (style mixing, arXiv:1812.04948, section 3.1).
    """

    centre: Tensor

    def __init__(self, mapping: Mapping, layers: int, mixing: float = 0.0) -> None:
        super().__init__()
        self.latent, self.mapping = mapping.latent, mapping
        self.layers, self.mixing = layers, mixing
        self.register_buffer("centre", torch.zeros(mapping.style))

    def map(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent] and y [n, c] or None -> w [n, style]."""
        w: Tensor = self.mapping(z, y)
        return w

    def make(self, w: Tensor) -> Tensor:
        """w [n, style] or [n, layers, style] -> samples [n, *shape], without the space's head."""
        raise TypeError(f"{type(self).__name__} must define make(w) -> samples [n, *shape]")

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent] and y [n, c] or None -> samples [n, *shape]."""
        w = self.map(z, y)
        if not self.training:
            return self.make(w)
        with torch.no_grad():
            self.centre.lerp_(w.float().mean(0), 1 - DECAY)
        return self.make(self.mixed(w, y) if self.mixing else w)

    def truncated(self, w: Tensor, psi: float) -> Tensor:
        """w nearer to the mean style: ``centre + psi (w - centre)``; 1 leaves it, 0 is the mean (appendix B)."""
        return self.centre + psi * (w - self.centre)

    def mixed(self, w: Tensor, y: Tensor | None) -> Tensor:
        """Styles w [n, style], some of which give way to others from a random layer on: [n, layers, style]."""
        n, device = len(w), w.device
        other = self.map(torch.randn(n, self.latent, device=device), y)
        change = torch.randint(1, self.layers, (n, 1), device=device)  # the first layer that is told the other style
        mixes = torch.rand(n, 1, device=device) < self.mixing
        keep = ~mixes | (torch.arange(self.layers, device=device) < change)  # [n, layers]
        return torch.where(keep[:, :, None], w[:, None], other[:, None])

    def spread(self, w: Tensor) -> Tensor:
        """w [n, style] or [n, layers, style] -> [n, layers, style]."""
        return w[:, None].expand(-1, self.layers, -1) if w.dim() == 2 else w
