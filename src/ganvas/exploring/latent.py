"""Where one walks in a trained generator, and the samples that lie there.

A *code* is a place: of networks with styles the style w [n, style], or another one for each layer [n, layers, style];
of all others the latent z and the condition y side by side, [n, latent + c]. So everything that is done with codes
(between two, towards a third, along a direction) also moves the condition.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.generator import Generator
from ganvas.labels import chosen
from ganvas.latents import CHUNK
from ganvas.layers.mapped import Mapped
from ganvas.run import Run
from ganvas.watching import watching

LIST = re.compile(r"[0-9]{1,19}(-[0-9]{1,19})?(,[0-9]{1,19}(-[0-9]{1,19})?)*")
MOST = 1024  # samples that an option may name
LARGEST = 2**30  # numbers in all samples that are held in memory
PARALLEL = 1e-4  # sine of the angle below which two latents are taken to point one way


def numbers(text: str, option: str = "--seeds", most: int = MOST) -> list[int]:
    """The whole numbers that a user names: ``"0,3,5-8"`` -> [0, 3, 5, 6, 7, 8]. Raises InputError for other text."""
    plain = "".join(str(text).split())
    if not LIST.fullmatch(plain):
        raise InputError(f"{option} {str(text)[:60]!r} is no list of whole numbers; write them as 0,3,5-8")
    found: list[int] = []
    for part in plain.split(","):
        first, _, last = part.partition("-")
        if int(last or first) - int(first) >= most or int(last or first) >= 2**63:
            raise InputError(f"{option} {part} names too many numbers, or too large ones; {most} are the most")
        found += range(int(first), int(last or first) + 1)
    if not 1 <= len(found) <= most:
        raise InputError(f"{option} {str(text)[:60]!r} names {len(found)} numbers; 1 to {most} are possible")
    return found


def needs_pictures(run: Run, what: str) -> None:
    """Raise InputError when the samples of a run are no pictures."""
    if len(run.space.shape) != 3:
        raise InputError(f"{what} shows pictures, and {run.path} makes none; it is for runs trained on pictures")


def needs_styles(run: Run, what: str) -> Mapped:
    """The network with styles of a run. Raises InputError when it has none."""
    if not isinstance(net := run.generator.net, Mapped):
        raise InputError(f"{what} needs styles, and the network of {run.path} has none; stylegan2 and stylegan3 do")
    return net


def codes(
    run: Run, which: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
) -> Tensor:
    """Codes [n, k] of samples number ``which`` of ``seed``: those that ``generate`` draws with the same options."""
    check_seed(seed)
    generator = run.generator
    styled = isinstance(generator.net, Mapped) and truncation is not None
    z, u = generator.prior.latents(seed, which, None if styled else truncation)
    labels = chosen(generator.labels, u, label)
    y = None if labels is None or generator.labels is None else generator.labels.encode(labels)
    return code_of(generator, torch.from_numpy(z), y, truncation if styled else None)


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that ``generate`` refuses."""
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed {seed} must be between 0 and 2^63 - 1")


@torch.no_grad()
def code_of(generator: Generator, z: Tensor, y: Tensor | None, psi: float | None = None) -> Tensor:
    """Latents [n, latent] and conditions [n, c] -> codes [n, k]; styles are drawn to their mean by ``psi``."""
    net = generator.net
    if not isinstance(net, Mapped):
        return z if y is None else torch.cat([z, y], 1)
    parts = []
    for start in range(0, len(z), CHUNK):
        fill = torch.arange(CHUNK) % len(z[start : start + CHUNK]) + start
        w = net.map(z[fill], None if y is None else y[fill])
        parts.append(w[: len(z) - start])
    w = torch.cat(parts)
    return w if psi is None else net.truncated(w, psi)


def parted(generator: Generator, code: Tensor) -> tuple[Tensor, Tensor | None]:
    """Latents and conditions of codes of a network without styles."""
    size = generator.prior.size
    return code[:, :size], code[:, size:] if code.shape[1] > size else None


def paint(generator: Generator, code: Tensor) -> Tensor:
    """Codes -> encoded samples [n, *shape]. Keeps the graph."""
    if isinstance(generator.net, Mapped):
        x: Tensor = generator.head(generator.net.make(code))
        return x
    made: Tensor = generator(*parted(generator, code))
    return made


def drawn(run: Run, code: Tensor) -> np.ndarray:
    """Codes -> raw samples [n, …]: the same code is always the same sample. InputError for more than fit in memory."""
    size = len(code) * math.prod(run.space.shape)
    if size > LARGEST:
        raise InputError(f"{len(code):,} samples of {run.path} have {size:,} numbers; {LARGEST:,} are the most at once")
    return np.concatenate(list(pieces(run, code)))


@torch.no_grad()
def pieces(run: Run, code: Tensor) -> Iterator[np.ndarray]:
    """As ``drawn``, in pieces of a fixed size and with progress: any number of samples fits in memory."""
    with watching("drawing", len(code)) as tell:
        for start in range(0, len(code), CHUNK):
            here = code[start : start + CHUNK]
            fill = torch.arange(CHUNK) % len(here)  # a short piece is filled up and cut again
            yield run.space.decode(paint(run.generator, here[fill])[: len(here)].float())
            tell(start + len(here))


def along(run: Run, code: Tensor, step: Tensor, layers: Sequence[int] | None = None) -> Tensor:
    """Codes [n, k], each moved by its ``step`` [n, k]; only in some ``layers`` of a network with styles."""
    if layers is None:
        return code + step
    net = needs_styles(run, "--layers")
    there = torch.zeros(net.layers, 1)
    there[list(layers)] = 1
    return net.spread(code) + there * step[:, None]


def scaled(directions: Tensor, code: Tensor) -> Tensor:
    """Directions [m, k] as float32, each as long as the standard deviation of codes [n, k] along it."""
    unit = directions.double() / directions.double().norm(dim=1, keepdim=True).clamp_min(1e-12)
    spread = ((code - code.mean(0)).double() @ unit.T).std(0)
    return (unit * spread[:, None]).float()


def between(generator: Generator, a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Codes at ``share`` [n] of the way from ``a`` [n, k] (0) to ``b`` [n, k] (1).

    Spherical for latents of a normal prior, along a straight line for styles, conditions and any other prior.
    """
    line = a + share.view(-1, *[1] * (a.dim() - 1)) * (b - a)
    size = generator.prior.size
    if isinstance(generator.net, Mapped) or generator.prior.kind == "uniform":
        return line
    return torch.cat([slerp(a[:, :size], b[:, :size], share), line[:, size:]], 1)


def slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """From ``a`` to ``b`` [n, d] along a great circle: the direction turns evenly, the length changes evenly.

    Shoemake 1985, doi:10.1145/325165.325242, section 3.3; for latents White 2016, arXiv:1609.04468. Normal latents lie
    near a sphere, and the middle of a straight line does not. Where both point one way, or opposite ways, the line is
    straight.
    """
    lengths = [v.double().norm(dim=1, keepdim=True) for v in (a, b)]
    u, v = (one / length.clamp_min(1e-12) for one, length in zip((a, b), lengths, strict=True))
    angle = 2 * torch.atan2((u - v).norm(dim=1, keepdim=True), (u + v).norm(dim=1, keepdim=True))
    t, sine = share.double()[:, None], angle.sin()
    turned = ((1 - t) * angle).sin() / sine * u + (t * angle).sin() / sine * v
    turned = turned * ((1 - t) * lengths[0] + t * lengths[1])
    flat = (sine < PARALLEL) | (lengths[0] * lengths[1] == 0)
    return torch.where(flat, a + t * (b - a), turned).to(a.dtype)
