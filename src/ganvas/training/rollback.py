"""How a game goes on after it broke down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganvas.training.settings import Settings

ROLLBACKS = 8  # of one run, at most


def other_way(before: Sequence[Mapping[str, Any]], back_to: int, settings: Settings) -> dict[str, Any]:
    """The seed, and the factor for all learning rates, after one more rollback, to round ``back_to``.

    The factor is 1/2, and each time the game breaks down again from the same round it is halved once more; the
    factors of all rollbacks multiply.
    """
    again = sum(entry["back_to"] == back_to for entry in before)
    seed = (settings.seed + (len(before) + 1) * 2**32) % 2**63
    return {"seed": seed, "gentler": 0.5 ** (1 + again) if settings.gentler else 1.0}


def advice(run: Path, target: Path | None, rollbacks: int) -> str:
    """What to do about a run that broke down and stopped."""
    if target is None:
        return "there is no checkpoint yet; begin again with a smaller --lr, or with --clip 1"
    how = "--on-divergence rollback --override" if not rollbacks else "--override and a smaller --lr"
    return f"round {int(target.name)} is kept; go on with: ganvas train --resume {run} {how}"
