"""A generator with all that follows it, as one module of tensors: what an exported file computes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.generator import Generator
from ganvas.layers.mapped import Mapped
from ganvas.players import Completer
from ganvas.space import Space
from ganvas.spaces.images.space import Images

NEAR = (  # erfinv's polynomial in w - 2.5 for w < 5, and in √w - 3 beyond, highest power first
    (2.81022636e-08, -2.00214257e-04),
    (3.43273939e-07, 1.00950558e-04),
    (-3.5233877e-06, 1.34934322e-03),
    (-4.39150654e-06, -3.67342844e-03),
    (2.1858087e-04, 5.73950773e-03),
    (-1.25372503e-03, -7.6224613e-03),
    (-4.17768164e-03, 9.43887047e-03),
    (2.46640727e-01, 1.00167406),
    (1.50140941, 2.83297682),
)
CHECKED = (1, 2, 7, 33)  # batch sizes that are compared
WHOLE = 8.0  # a normal prior is not cut at this limit or beyond


class Shipped(nn.Module):
    """Latents z [n, latent], truncation [n] and conditions y [n, c] -> samples [n, *shape], and pictures as stored.

    ``kind`` says what truncation means: "styles" are drawn to their mean (1 leaves them), "latents" of a normal prior
    cut at ±T (WHOLE or more leaves them), or "none": there is no such input. The same as ``Generator.draw``.
    """

    def __init__(self, generator: Generator, space: Space) -> None:
        super().__init__()
        self.generator, self.kind = generator, truncation_of(generator)
        self.pixels = space.pixels if isinstance(space, Images) else None

    @property
    def inputs(self) -> list[str]:
        """The names of what it takes."""
        told = ["y"] if self.generator.labels else []
        return ["z", *(["truncation"] if self.kind != "none" else []), *told]

    @property
    def outputs(self) -> list[str]:
        """The names of what it gives: ``x`` encoded [n, *shape], and of pictures ``samples`` [n, h, w, c]."""
        return ["x", "samples"] if self.pixels else ["x"]

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """``inputs`` -> ``outputs``."""
        told = dict(zip(self.inputs, given, strict=True))
        x = self.made(told["z"], told.get("y"), told.get("truncation"))
        return (x, self.pixels(x)) if self.pixels else (x,)

    def made(self, z: Tensor, y: Tensor | None, truncation: Tensor | None) -> Tensor:
        """z [n, latent], conditions and truncation [n] -> samples [n, *shape]."""
        net, limit = self.generator.net, self.generator.prior.limit
        if truncation is None:
            return self.generator(z, y)
        if isinstance(net, Mapped):
            w = net.map(z, y)
            return self.generator.head(net.make(net.centre + truncation[:, None] * (w - net.centre)))
        whole = limit if self.generator.prior.kind == "truncated" else WHOLE
        return self.generator(cut(z, truncation[:, None], whole), y)


def truncation_of(generator: Generator) -> str:
    """What truncation does to a generator: "styles", "latents" or "none"."""
    if isinstance(generator.net, Mapped):
        return "styles"
    return "none" if generator.prior.kind == "uniform" or isinstance(generator.net, Completer) else "latents"


def cut(z: Tensor, limit: Tensor, whole: float) -> Tensor:
    """Latents of N(0, 1) within ±``whole`` as those within ±``limit`` [n, 1] of the same quantiles; see Prior.shape.

    At ``whole`` and beyond they stay as they are.
    """
    u = torch.erf(z / math.sqrt(2)) * torch.erf(limit / math.sqrt(2)) / math.erf(whole / math.sqrt(2))
    squeezed = torch.minimum(torch.maximum(erfinv(u) * math.sqrt(2), -limit), limit)
    return torch.where(limit >= whole, z, squeezed)


def erfinv(x: Tensor) -> Tensor:
    """The inverse of erf, which exporters do not know, to single precision.

    Giles 2012, "Approximating the erfinv function", GPU Computing Gems Jade, table of the single-precision version.
    """
    w = -((1 - x) * (1 + x)).clamp_min(1e-30).log()
    far = w >= 5
    w = torch.where(far, w.clamp_min(5).sqrt() - 3, w - 2.5)
    p = torch.where(far, NEAR[0][1], NEAR[0][0])
    for near, beyond in NEAR[1:]:
        p = torch.where(far, beyond, near) + p * w
    return p * x


def shipped(generator: Generator, space: Space) -> Shipped:
    """The module that is exported. InputError for a generator that computes outside of its tensors."""
    held = getattr(generator.net, "support", None)
    if held is not None:
        raise InputError(
            "this table has constraints, which are kept by reading each row while it is made; an exported file cannot"
        )
    return Shipped(generator, space).eval()


def compared(make: Callable[..., np.ndarray], module: Shipped) -> dict[str, Any]:
    """How far what ``make`` (inputs as tensors -> x) gives is from the run, on latents that nothing was traced with or
    calibrated on, at several batch sizes."""
    worst, total, count = 0.0, 0.0, 0
    for n in CHECKED:
        given = examples(module, n, seed=1)
        with torch.no_grad():
            gap = np.abs(make(*given).astype(np.float64) - module(*given)[0].numpy())
        worst, total, count = max(worst, float(gap.max())), total + float(gap.sum()), count + gap.size
    return {"max_difference": worst, "mean_difference": total / count, "compared": sum(CHECKED)}


def examples(module: Shipped, n: int, seed: int = 0) -> list[Tensor]:
    """Inputs for ``n`` samples, as ``generate`` would give them; truncation differs from sample to sample."""
    generator = module.generator
    z, u = generator.prior.latents(seed, range(n))
    given = {"z": torch.from_numpy(z)}
    if generator.labels:
        given["y"] = generator.labels.encode(generator.labels.draw(u))
    reach = 1.0 if module.kind == "styles" else WHOLE
    given["truncation"] = torch.linspace(reach, 0.5, n)
    return [given[name] for name in module.inputs]
