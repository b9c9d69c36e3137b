"""What a report speaks of: a run, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ganvas.monitors.samples import classes
from ganvas.reporting.values import Points, points

if TYPE_CHECKING:
    from ganvas.run import Run


@dataclass(frozen=True)
class Subject:
    """A run with its evaluation and diagnosis (the verbs' JSON, or None) and a picture of nearest neighbours.

    All entries of the two dictionaries may be missing. ``neighbours`` shows made samples beside their nearest
    training samples.
    """

    run: Run
    evaluation: dict[str, Any] | None = None
    diagnosis: dict[str, Any] | None = None
    neighbours: Image.Image | None = None

    @property
    def game(self) -> str:
        """The game's class name."""
        return str(self.run.info["game"]).rpartition(":")[2]

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the log."""
        return self.run.log

    @property
    def frames(self) -> list[tuple[int, Path]]:
        """The sample grids in order: (samples seen, file)."""
        found = sorted((self.run.path / "samples").glob("*.png"))
        return [(int(path.stem), path) for path in found if path.stem.isdigit()]

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes when samples have exactly one label of that kind, else none."""
        made = (self.run.path / "generator" / "config.json").exists()
        return classes(self.run.space.labels) if made else ()

    def curve(self, key: str, along: str = "seen") -> Points:
        """An entry of the log by samples ``seen`` or by ``seconds``: finite values only."""
        return points([(line.get(along), line.get(key)) for line in self.log])

    @cached_property
    def scores(self) -> dict[str, Points]:
        """The scores of the checkpoints by samples seen, for each metric of ``scores.jsonl``."""
        found: dict[str, list[tuple[Any, Any]]] = {}
        for line in self.run.scores:
            found.setdefault(str(line.get("metric", "score")), []).append((line.get("seen"), line.get("score")))
        return {metric: points(pairs) for metric, pairs in found.items()}

    def seconds(self, seen: np.ndarray) -> np.ndarray:
        """Seconds of training after which so many samples [n] were seen, as the log tells."""
        x, y = self.curve("seconds")
        return np.interp(seen, x, y) if len(x) else np.zeros(len(seen))


def titles(subjects: Sequence[Subject]) -> list[str]:
    """What to call each run: the name of its folder, or the whole path when two share a name."""
    short = [subject.run.path.resolve().name for subject in subjects]
    return [n if short.count(n) == 1 else str(s.run.path) for n, s in zip(short, subjects, strict=True)]
