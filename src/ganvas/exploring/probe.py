"""The direction in which samples gain an attribute: a linear probe of codes. Shen et al. 2020, arXiv:1907.10786."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import along, codes, pieces, scaled
from ganvas.exploring.reader import Reader, reader
from ganvas.run import Run

LEARNT, TESTED = 2000, 400  # samples that the probe learns from, and others that are moved
LEAST = 20  # samples with the attribute, and without it
SEED = 1  # of those samples
FLAT = 1e-6  # variances below this share of the largest are none
C = 0.1  # of the logistic regression: the inverse of its penalty


class Probe(NamedTuple):
    """What ``probe`` found.

    Attributes:
        direction: [k], towards the attribute; its length is one standard deviation of codes along it.
        reader: of the attribute.
        share: of the samples learnt from, how many have the attribute.
        accuracy: of the probe on other samples, mean of those with the attribute and those without.
    """

    direction: Tensor
    reader: Reader
    share: float
    accuracy: float


def probe(run: Run, attribute: str) -> Probe:
    """Draw samples, read the attribute ``COLUMN=VALUE`` in them, and find the direction that tells it from the codes.

    A logistic regression of whitened codes, as a direction of the codes: along it lies what varies together with the
    attribute. Raises InputError when the run makes too few samples with the attribute, or without it.
    """
    from sklearn.linear_model import LogisticRegression

    read = reader(run, attribute)
    code = codes(run, range(LEARNT + TESTED), SEED)
    has = read.through(pieces(run, code)) >= 0.5
    if min(has[:LEARNT].sum(), (~has[:LEARNT]).sum()) < LEAST:
        raise InputError(
            f"{has[:LEARNT].sum()} of {LEARNT:,} samples of {run.path} show {read.attribute}; {LEAST} with it and "
            "without it are needed to find its direction"
        )
    x = code.double().numpy()
    root, back = whitening(x[:LEARNT])
    model = LogisticRegression(C=C, class_weight="balanced", max_iter=10_000).fit(x[:LEARNT] @ back, has[:LEARNT])
    right = model.predict(x[LEARNT:] @ back) == has[LEARNT:]
    accuracy = np.mean([right[group].mean() for group in (has[LEARNT:], ~has[LEARNT:]) if group.any()])
    direction = scaled(torch.from_numpy(root @ model.coef_[0])[None], code)[0]
    return Probe(direction, read, float(has[:LEARNT].mean()), float(accuracy))


def whitening(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The root of the covariance of ``x`` [n, k], [k, r], and its pseudo-inverse: ``x @ back`` is white."""
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False).reshape(x.shape[1], -1))
    kept = values > FLAT * values.max()
    root = np.sqrt(values[kept])
    return vectors[:, kept] * root, vectors[:, kept] / root


def effect(run: Run, found: Probe, strength: float, layers: Sequence[int] | None = None) -> dict[str, float]:
    """Whether samples that the probe has not seen follow: those without the attribute are moved towards it, those with
    it away from it, by ``strength`` standard deviations.

    ``follows`` is the share whose probability moves as asked, ``turns`` the share that is read as asked then, and
    ``random_follows`` the first share when each sample goes along a random direction of its own, for comparison.
    """
    code = codes(run, range(LEARNT, LEARNT + TESTED), SEED)
    before = found.reader.through(pieces(run, code))
    asked = np.where(before < 0.5, 1.0, -1.0)
    sign = torch.from_numpy(asked).float()[:, None]
    chance = scaled(torch.randn(code.shape, generator=torch.Generator().manual_seed(SEED)), code)
    after, other = (
        found.reader.through(pieces(run, along(run, code, strength * sign * direction, layers)))
        for direction in (found.direction, chance)
    )
    return {
        "follows": float((asked * (after - before) > 0).mean()),
        "turns": float(((after >= 0.5) != (before >= 0.5)).mean()),
        "random_follows": float((asked * (other - before) > 0).mean()),
    }
