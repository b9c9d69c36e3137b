"""What the log and the scores of the checkpoints say of the way a run has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

EARLY, LATELY = 0.2, 0.2  # shares of the log
SETTLED = 1 / 3  # of the scores: after that they should not swing
BETTER = 0.95  # times the best score before: an improvement
Lines = Sequence[Mapping[str, Any]]


def trends(log: Lines, scores: Lines) -> dict[str, float]:
    """Whether the score still improves; how often D ranks pairs rightly lately; how much gradients have grown."""
    found = {"improving": float(improving([line["score"] for line in scores]))}
    found["scores"] = float(len(scores))
    found["swing"] = swing([line["score"] for line in scores])
    late, soon = log[-max(1, round(LATELY * len(log))) :], log[: max(1, round(EARLY * len(log)))]
    for name in log[-1] if log else ():
        if name.endswith(".auc"):
            found["auc_lately"] = median(late, name)
    growth = [median(late, n) / max(median(soon, n), 1e-12) for n in gradients(log)]
    if growth:
        found["gradient_growth"] = max(growth)
    return found


def improving(scores: Sequence[float]) -> bool:
    """Whether the last third of the scores (lower is better) holds one that is clearly better than all before."""
    if len(scores) < 4:
        return True
    cut = -(-2 * len(scores) // 3)
    return min(scores[cut:]) < BETTER * min(scores[:cut])


def swing(scores: Sequence[float]) -> float:
    """How far the scores went up and came down again after the first third, as a share of the untrained score."""
    steps = np.diff(scores[int(SETTLED * len(scores)) :])
    if not len(steps) or scores[0] <= 0:
        return 0.0
    return 2 * float(min(steps.clip(min=0).sum(), (-steps).clip(min=0).sum())) / scores[0]


def gradients(log: Lines) -> list[str]:
    """The players' gradients in the log."""
    return sorted({name for line in log for name in line if name.endswith(".gradient")})


def median(lines: Lines, name: str) -> float:
    """The median of a figure over the lines that have it."""
    values = [line[name] for line in lines if name in line]
    return float(np.median(values)) if values else 0.0
