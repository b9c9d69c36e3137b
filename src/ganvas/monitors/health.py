"""How a game is while it is played, read off the lines of its log and the scores of its checkpoints.

``ganvas diagnose`` looks closer and has the last word; this costs nothing and is there in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganvas.monitors.trend import trends

FIGURES = ("D", "G", "real", "fake", "gradient")  # what must keep its measure
EXPLODED, CONFIRMED, YOUNG = 100.0, 3, 10  # times the largest value before; lines in a row; lines before
GOOD, DAMAGED, LOST, TWICE = 0.25, 4.0, 0.5, 2  # of the untrained score; times the best; of the untrained; in a row
LEAST_SCORES, BAD, SO_SO = 4, 0.5, 0.25  # checkpoints; of the untrained score: bad, no longer good
WINS, LOSES = 0.93, 0.5  # share of pairs that a discriminator ranks rightly: too many, no better than guessing
OVERFITTED = 0.75  # share of pairs (training, held-out) in which the training sample is scored higher
GROWN = 100.0  # times the early gradients
SWINGS = 1.0  # ups and downs of the score, in untrained scores


def explosion(lines: Sequence[Mapping[str, Any]]) -> str:
    """Why the game has left all measure, or "": a figure 100 times its largest value before, three lines in a row."""
    if len(lines) < YOUNG + CONFIRMED:
        return ""
    before, now = lines[:-CONFIRMED], lines[-CONFIRMED:]
    for name in now[-1]:
        if name.rpartition(".")[2] not in FIGURES:
            continue
        top = max(1.0, max(abs(line.get(name, 0.0)) for line in before))
        least = min(abs(line.get(name, 0.0)) for line in now)
        if least > EXPLODED * top:
            return f"{name} exploded: {least:.3g}, after at most {top:.3g} before round {now[0]['t']}"
    return ""


def damage(scores: Sequence[Mapping[str, Any]]) -> str:
    """Why the generator is broken beyond doubt, or "": it was good once, and two checkpoints in a row have four times
    the best score and half of the untrained generator's, which is the first score."""
    values = [line["score"] for line in scores]
    if len(values) < 1 + TWICE:
        return ""
    best, now, untrained = min(values), min(values[-TWICE:]), values[0]
    if best < GOOD * untrained and now > max(DAMAGED * best, LOST * untrained):
        return f"the {scores[-1]['metric'].replace('_', ' ')} broke down: {values[-1]:.4g}, after {best:.4g} at best"
    return ""


def live(log: Sequence[Mapping[str, Any]], scores: Sequence[Mapping[str, Any]], overfit: float | None = None) -> str:
    """The verdict so far, as far as log and scores tell: ``healthy``, or what begins to go wrong.

    ``overfit`` is the share of pairs in which the discriminator scores a training sample above a held-out one.
    """
    found = trends(log, scores)
    bad = len(scores) > LEAST_SCORES and not found["improving"] and scores[-1]["score"] > BAD * scores[0]["score"]
    lately = found.get("auc_lately")
    if found.get("gradient_growth", 1.0) > GROWN and bad:
        return "exploding_gradient"
    if overfit is not None and overfit > OVERFITTED:
        return "discriminator_overfits"
    if bad and lately is not None and lately >= WINS:
        return "discriminator_wins"
    if bad and lately is not None and lately <= LOSES:
        return "generator_wins"
    if found["swing"] > SWINGS and scores[-1]["score"] > SO_SO * scores[0]["score"]:
        return "oscillation"
    return "healthy"
