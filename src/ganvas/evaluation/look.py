"""Samples as an extractor sees them: features, class numbers, probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.evaluation.looks import Look
from ganvas.evaluation.samples import Chunk, Samples
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import cached, features
from ganvas.watching import watching


def look(samples: Samples, chosen: Extractor | None) -> Look:
    """See all the samples, with progress; from the cache when they are data that was seen before.

    Raises InputError when there is no extractor and they are not features.
    """
    if samples.given is not None:
        return Look(samples.given)
    if chosen is None:
        raise InputError(f"{samples.name} holds samples, not features; compare it with samples")
    found: list[Tensor] = []
    with watching(f"{chosen.name}: {samples.name}", samples.count) as tell:
        chunks = noting(samples, found, tell)
        if samples.key and samples.space is not None:
            x = cached(chosen, (raw for raw, _ in chunks), *samples.key)
            if samples.classes and not found:  # from the cache: the labels are still to be read
                found = [classes_of(labels) for _, labels in samples.chunks()]
        else:
            x = features(chosen, (raw for raw, _ in chunks))
    labels = torch.cat(found) if samples.classes else None
    return Look(x, labels, None if chosen.classify is None else chosen.classify(x))


def noting(samples: Samples, found: list[Tensor], tell: Callable[[int], None]) -> Iterator[Chunk]:
    """The chunks of samples, their class numbers kept in ``found``."""
    done = 0
    for raw, labels in samples.chunks():
        if samples.classes:
            found.append(classes_of(labels))
        done += len(raw)
        tell(done)
        yield raw, labels


def classes_of(labels: np.ndarray | None) -> Tensor:
    """Class numbers [n] from stored labels [n, 1]."""
    assert labels is not None
    return torch.from_numpy(labels[:, 0].astype(np.int64))
