"""What a discriminator sees of pictures, changed at random, so that a few pictures last for a long game.

Every change is differentiable, so the generator learns through it, and twice, so penalties do; the generator's
samples themselves are never changed. Each sample has its own random numbers, which belong to its row of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganvas.errors import InputError, nearest
from ganvas.game import Batch
from ganvas.rules import colour, geometry

UNIFORM, NORMAL = 24, 7  # random numbers of a sample: as many for every policy, whatever happens
TRANSFORMS = {  # by family: each transform and the part that it belongs to
    "diffaugment": {
        "brightness": "color",
        "saturation": "color",
        "contrast": "color",
        "slide": "translation",
        "cut": "cutout",
    },
    "ada": {
        "flip": "blit",
        "turn": "blit",
        "shift": "blit",
        "scale": "geom",
        "spin": "geom",
        "stretch": "geom",
        "spin again": "geom",
        "move": "geom",
        "brightness": "color",
        "contrast": "color",
        "luma": "color",
        "hue": "color",
        "saturation": "color",
        "cut": "cutout",
    },
}
FAMILIES = {"diffaugment": ("color", "translation", "cutout"), "ada": ("blit", "geom", "color")}  # what the names mean


class Augment(nn.Module):
    """Pictures [n, c, h, w] in about [-1, 1] -> the same pictures as D may see them; conditions stay.

    ``policy``:

    - ``diffaugment``: colour, translation by up to 1/8 and a hole of half the size, on every sample. Zhao et al. 2020,
      arXiv:2006.10738. Parts: color, translation, cutout.
    - ``ada``: flips and quarter turns, scaling, rotation, colours …, each with probability p. Karras et al. 2020,
      arXiv:2006.06676, appendix B. Parts: blit, geom, color (these are its default, "bgc"), cutout.
    - parts of one of them, as ``color,cutout`` or ``ada:geom,color``; of ADA if it alone has them all.

    ``p`` is the probability of each transform, a buffer. None: 1 for diffaugment; for ada 0 at first, then what
    ``adapted`` makes of it (``adaptive``). At 0 samples stay as they are, bit for bit. ``shape`` is that of a sample.
    Raises InputError for other policies, probabilities and samples.
    """

    p: Tensor
    possible: Tensor
    spins: Tensor

    def __init__(self, policy: str, p: float | None, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 3:
            raise InputError(f"--augment is for pictures, and these samples are {shape}; use --instance-noise 0.1")
        if p is not None and not 0 <= p <= 1:
            raise InputError(f"--augment-p must be a probability, from 0 to 1, not {p}")
        self.family, self.parts = parsed(policy)
        self.adaptive = self.family == "ada" and p is None
        self.register_buffer("p", torch.tensor(float(p if p is not None else self.family == "diffaugment")))
        names, square = TRANSFORMS[self.family], shape[1] == shape[2]
        possible = [part in self.parts and (square or name != "turn") for name, part in names.items()]
        self.register_buffer("possible", torch.tensor(possible), persistent=False)
        self.register_buffer("spins", torch.tensor([name.startswith("spin") for name in names]), persistent=False)

    def forward(self, batch: Batch) -> Batch:
        """The batch as D sees it. Takes two draws of random numbers in any case."""
        u, z = batch.uniform(UNIFORM), batch.normal(NORMAL)
        if self.p == 0:
            return batch
        x = batch.x
        with torch.autocast(x.device.type, enabled=False):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            u, z = u.to(wide.dtype), z.to(wide.dtype)
            on = self.chosen(u)
            u = u[:, len(on) :]
            seen = self.diffaugment(wide, u, on) if self.family == "diffaugment" else self.ada(wide, u, z, on)
        return batch.at(seen.to(x.dtype))

    def chosen(self, u: Tensor) -> dict[str, Tensor]:
        """1 where a transform acts on a sample and 0 where not, [n], by transform; ``u`` [n, k] are uniform numbers."""
        names = TRANSFORMS[self.family]
        spin = 1 - (1 - self.p).sqrt()  # there are two of them: one or both with probability p
        chance = torch.where(self.spins, spin, self.p) * self.possible
        return dict(zip(names, (u[:, : len(names)] < chance).to(u.dtype).unbind(1), strict=True))

    def diffaugment(self, x: Tensor, u: Tensor, on: Mapping[str, Tensor]) -> Tensor:
        """Zhao et al. 2020, section 4: brightness ± 0.5, contrast 0.5 … 1.5, saturation 0 … 2, translation ± 1/8."""
        v = 2 * u - 1  # in [-1, 1)
        height, width = x.shape[2:]
        if "color" in self.parts:
            brightness, contrast = on["brightness"] * v[:, 0] / 2, 1 + on["contrast"] * v[:, 2] / 2
            x = colour.jitter(x, brightness, 1 + on["saturation"] * v[:, 1], contrast)
        if "translation" in self.parts:
            x = geometry.slide(x, on["slide"] * whole(u[:, 3], width), on["slide"] * whole(u[:, 4], height))
        return geometry.cut(x, u[:, 5], u[:, 6], on["cut"]) if "cutout" in self.parts else x

    def ada(self, x: Tensor, u: Tensor, z: Tensor, on: Mapping[str, Tensor]) -> Tensor:
        """Karras et al. 2020, appendix B and figure 2, without its filters and noise, which brought them nothing."""
        if "blit" in self.parts or "geom" in self.parts:
            matrix = self.pose(u, z, on, *x.shape[2:])
            x = geometry.warp(x, matrix, smooth="geom" in self.parts)
        if "color" in self.parts:
            brightness, contrast = 0.2 * z[:, 4] * on["brightness"], 2 ** (0.5 * z[:, 5] * on["contrast"])
            luma, hue = 1 - 2 * on["luma"] * (u[:, 6] < 0.5), on["hue"] * math.pi * (2 * u[:, 7] - 1)
            x = colour.recolour(x, brightness, contrast, luma, hue, 2 ** (z[:, 6] * on["saturation"]))
        return geometry.cut(x, u[:, 8], u[:, 9], on["cut"]) if "cutout" in self.parts else x

    def pose(self, u: Tensor, z: Tensor, on: Mapping[str, Tensor], height: int, width: int) -> Tensor:
        """All movements as one matrix [n, 3, 3]; the first stands on the left, see ``geometry``."""
        v = 2 * u - 1  # in [-1, 1)
        size, stretch = 2 ** (0.2 * z[:, 0] * on["scale"]), 2 ** (0.2 * z[:, 1] * on["stretch"])
        steps = [
            geometry.flip(on["flip"] * (u[:, 0] < 0.5)),
            geometry.turn(on["turn"] * (4 * u[:, 1]).floor()),
            geometry.shift((v[:, 2] * width / 8).round() * on["shift"], (v[:, 3] * height / 8).round() * on["shift"]),
            geometry.scale(size, size),
            geometry.rotate(on["spin"] * math.pi * v[:, 4]),
            geometry.scale(stretch, 1 / stretch),
            geometry.rotate(on["spin again"] * math.pi * v[:, 5]),
            geometry.shift(on["move"] * z[:, 2] * width / 8, on["move"] * z[:, 3] * height / 8),
        ]
        chosen = steps if "geom" in self.parts else steps[:3]
        matrix = chosen[0]
        for step in chosen[1:]:
            matrix = matrix @ step
        return matrix


def parsed(policy: str) -> tuple[str, tuple[str, ...]]:
    """The family of a policy and its parts. Raises InputError for an unknown one."""
    if policy in FAMILIES:
        return policy, FAMILIES[policy]
    before, colon, after = policy.partition(":")
    names = tuple(name.strip() for name in (after if colon else before).split(","))
    asked = [before] if colon else list(FAMILIES)
    for family in asked:
        if family in FAMILIES and set(names) <= set(TRANSFORMS[family].values()):
            return family, names
    known = {*FAMILIES, *(part for each in TRANSFORMS.values() for part in each.values())}
    wrong = next((name for name in (*asked, *names) if name not in known), None)
    if wrong is not None:
        raise InputError(f"no augmentation '{wrong}'{nearest(wrong, known)}")
    raise InputError(
        f"--augment {policy} mixes two kinds; use parts of diffaugment (color, translation, cutout) "
        "or of ada (blit, geom, color, cutout)"
    )


def whole(u: Tensor, size: int) -> Tensor:
    """Uniform numbers as whole pixels, at most 1/8 of ``size``, all of them equally likely."""
    most = (size + 4) // 8
    return (u * (2 * most + 1)).floor() - most


def adapted(p: float, sign: float, shown: int, target: float = 0.6, span: int = 500_000) -> float:
    """ADA's p after ``shown`` more real samples: up if ``sign`` is above ``target``, else down; 0 to 1 in ``span``.

    Karras et al. 2020, arXiv:2006.06676, section 3.1. Their r_t = E sign D(x), 0 when D cannot tell real samples and 1
    when it knows them all, needs scores with an absolute zero. Where there is none (relativistic games), ``2 a - 1``
    has the same meaning, a being the share of pairs in which D scores the real sample above the made one, or the
    training sample above the held-out one.
    """
    step = math.copysign(shown / span, sign - target) if sign != target else 0.0
    return min(1.0, max(0.0, p + step))


def noise(batch: Batch, sigma: float | Tensor) -> Batch:
    """Instance noise: samples [n, *shape] + ``sigma`` ε, ε ~ N(0, 1); real and made ones then overlap.

    Sønderby et al. 2017, arXiv:1610.04490, section 3; Arjovsky & Bottou 2017, arXiv:1701.04862, section 3.
    """
    return batch.at((batch.x + sigma * batch.normal(*batch.x.shape[1:])).to(batch.x.dtype))
