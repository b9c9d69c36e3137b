"""What checkpoints are judged by while a run trains: one number, lower is better, against the held-out rows."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from ganvas.errors import InputError, nearest
from ganvas.generator import Generator
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import extractor, features
from ganvas.metrics.frechet_distance import frechet_distance
from ganvas.metrics.kid import kid
from ganvas.metrics.sliced_wasserstein import sliced_wasserstein
from ganvas.metrics.tables.c2st import c2st
from ganvas.space import Data
from ganvas.spaces.tables.space import Table

ROWS = 1024  # held-out samples, and made ones, that a checkpoint is judged on
STEP = 256  # samples decoded at a time
ALIASES = {"fid": "frechet_distance"}
METRICS = ("sliced_wasserstein", "frechet_distance", "kid", "c2st")


class Judge:
    """``judge(generator)`` is the ``metric`` of its samples against the same held-out rows of ``data``, every time.

    ``sliced_wasserstein`` looks at encoded values; ``frechet_distance`` (alias ``fid``) and ``kid`` at the features
    of an extractor; ``c2st`` is how well boosted trees tell made rows from real ones. Raises InputError for another.
    """

    def __init__(self, data: Data, metric: str, chosen: str | None = None, trust: str | Path | None = None) -> None:
        self.data, self.metric, self.chosen, self.trust = data, ALIASES.get(metric, metric), chosen, trust
        if self.metric not in METRICS:
            raise InputError(f"no metric '{metric}' to train by{nearest(metric, [*METRICS, *ALIASES])}")

    @cached_property
    def extractor(self) -> Extractor:
        """Where features come from."""
        return extractor(self.chosen, self.data.space, self.trust)

    @property
    def discrete(self) -> list[bool]:
        """Which columns of the rows are classes. InputError for samples that are no rows."""
        space = self.data.space
        if len(space.shape) != 1:
            raise InputError("c2st tells rows apart; for pictures use --metric fid or kid")
        return space.discrete if isinstance(space, Table) else [False] * space.shape[0]

    @property
    def told(self) -> str:
        """The protocol in a few words."""
        count = min(ROWS, len(self.data.held_out))
        looks = {"sliced_wasserstein": "raw values", "c2st": "2 AUC - 1 of boosted trees"}.get(
            self.metric
        ) or self.extractor.name
        return f"{self.metric.replace('_', ' ')}, {count} held-out samples against {count} made, {looks}"

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The held-out samples and labels to compare with."""
        return self.data.held_out.read(np.arange(min(ROWS, len(self.data.held_out))))

    @cached_property
    def real(self) -> Tensor:
        """Encoded held-out samples, or their features [n, d]."""
        raw = self.rows[0]
        return self.data.space.encode(raw) if self.metric == "sliced_wasserstein" else self.seen(raw)

    def seen(self, raw: np.ndarray) -> Tensor:
        """Features [n, d] of raw samples."""
        return features(self.extractor, (raw[i : i + STEP] for i in range(0, len(raw), STEP)))

    def __call__(self, generator: Generator) -> float:
        """The score of samples of seed 0 that have the held-out rows' labels."""
        fake, _ = generator.draw(range(len(self.rows[0])), label=self.rows[1])
        if self.metric == "sliced_wasserstein":
            return sliced_wasserstein(self.real, fake)
        if self.metric == "c2st":
            return max(0.0, 2 * c2st(self.rows[0], self.data.space.decode(fake), self.discrete) - 1)
        made = self.seen(self.data.space.decode(fake))
        return kid(self.real, made).value if self.metric == "kid" else frechet_distance(self.real, made)
