"""Scores between what costs nothing and what cannot be beaten: the only way to compare them between tables."""

from __future__ import annotations

from collections.abc import Mapping


def normalised(made: Mapping[str, float], floor: Mapping[str, float], ceiling: Mapping[str, float]) -> dict[str, float]:
    """Each score of ``made`` as its place between ``floor`` (0) and ``ceiling`` (1); for scores of any sign or scale.

    The floor is the score of ``independent`` columns, the ceiling that of held-out real rows, by the same measure. What
    leaves [0, 1] is not cut: below 0 is worse than no model; above 1 is nearer to the training rows than real rows
    are, by chance or by copying. NaN where floor and ceiling are the same or unknown.
    """
    return {name: _between(score, floor.get(name), ceiling.get(name)) for name, score in made.items()}


def _between(score: float, floor: float | None, ceiling: float | None) -> float:
    if floor is None or ceiling is None or floor == ceiling:
        return float("nan")
    return (score - floor) / (ceiling - floor)
