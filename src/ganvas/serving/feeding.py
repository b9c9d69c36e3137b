"""From what a client asks for to what a generator takes, one row for each sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.serving.asked import Generate, Interpolate, Word
from ganvas.serving.batching import Given

PARALLEL = 1e-4  # sine of the angle below which two latents are taken to point one way
Told = tuple[Given, np.ndarray | None]  # what the samples are made of, and their stored labels


def generated(made: Exported, asked: Generate, most: int) -> Told:
    """Of samples. Raises InputError for what this generator does not have, and for more than ``most`` samples."""
    n = len(asked.z) if asked.z else asked.n
    bounded(n, most)
    if asked.z and asked.n not in (1, n):
        raise InputError(f"z has {n} latents and n is {asked.n}; leave n out")
    given, labels = fed(made, asked.seed, range(asked.start, asked.start + n), asked.label, asked.truncation)
    if asked.z:
        size = made.prior.size
        if wrong := [len(row) for row in asked.z if len(row) != size]:
            raise InputError(f"a latent of this model has {size} numbers, and one of z has {wrong[0]}")
        given["z"] = np.array(asked.z, np.float32)
    return given, labels


def way(made: Exported, asked: Interpolate, most: int) -> Given:
    """Of the pictures on a way: latents of a normal prior turn on a sphere, uniform ones and conditions go straight.

    Raises InputError as ``generated`` does.
    """
    legs = len(asked.samples) - (not asked.loop)
    bounded(legs * asked.steps + (not asked.loop), most, "pictures on the way; take fewer samples or steps")
    ends, _ = fed(made, asked.seed, asked.samples, asked.label, asked.truncation)
    first = np.arange(legs).repeat(asked.steps)
    share = np.tile(np.arange(asked.steps, dtype=np.float32) / asked.steps, legs)[:, None]
    found = {}
    for name, value in ends.items():
        a, b = value[first], value[(first + 1) % len(value)]
        turns = name == "z" and made.prior.kind != "uniform"
        on = slerp(a, b, share) if turns else a + (share if a.ndim > 1 else share[:, 0]) * (b - a)
        found[name] = on if asked.loop else np.concatenate([on, value[-1:]])
    return found


def fed(
    made: Exported,
    seed: int,
    indices: Sequence[int],
    label: Word | list[Word] | None,
    truncation: float | None,
) -> Told:
    """As ``Exported.feed``, of labels that came from afar."""
    if isinstance(label, list) and len(label) != len(indices):
        raise InputError(f"label lists {len(label)} and there are {len(indices)} samples; give one for each, or one")
    with np.errstate(over="ignore"):
        given, labels = made.feed(seed, indices, label, truncation)
    if "y" in given and not np.isfinite(given["y"]).all():
        raise InputError(f"label {label!r} is too large a number")
    return given, labels


def bounded(n: int, most: int, what: str = "samples") -> None:
    """Raise InputError when so many are too many."""
    if n > most:
        raise InputError(f"1 to {most} are possible in one request, and these are {n} {what}")


def slerp(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """At ``share`` [n, 1] of the way from ``a`` to ``b`` [n, d] along a great circle; lengths change evenly.

    Shoemake 1985, doi:10.1145/325165.325242, section 3.3. Where both point one way, or opposite ways, straight.
    """
    long_a, long_b = (np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (a, b))
    angle = np.arccos(np.clip((a / long_a * (b / long_b)).sum(1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.sin((1 - share) * angle) / sine * (a / long_a) + np.sin(share * angle) / sine * (b / long_b)
        length = (1 - share) * long_a + share * long_b
        found: np.ndarray = np.where(sine < PARALLEL, a + share * (b - a), turned * length)
    return found.astype(np.float32)
