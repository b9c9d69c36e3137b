"""How long a run lasts, and what is derived from that."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganvas.training.settings import Settings

SEEN = 500_000  # samples a run shows when nobody says how long
CHECKPOINTS, LOG_LINES = 20, 400  # in a run, about
LEAST_ROUNDS = 10  # between checkpoints
EMA_SHARE = 0.02  # of the run: the half-life of the averaged generator


@dataclass(frozen=True)
class Plan:
    """What is derived from the length of a run: fixed at its start, stored in run.json, never derived again."""

    planned: int  # samples the run will show
    ema: float  # half-life of the averaged generator, in samples
    checkpoint_every: int  # rounds
    log_every: int  # rounds

    @classmethod
    def of(cls, settings: Settings, shown: int, rate: float, spent_seconds: float) -> Plan:
        """The plan of a run whose rounds show ``shown`` samples each, ``rate`` in a second."""
        if settings.minutes is not None:
            rounds = math.ceil(max(60 * settings.minutes - spent_seconds, 1.0) * rate / shown)
        else:
            rounds = settings.rounds or math.ceil((settings.seen or SEEN) / shown)
        planned = rounds * shown
        every = settings.checkpoint_every or max(LEAST_ROUNDS, rounds // CHECKPOINTS)
        wanted = max(1, rounds // LOG_LINES)
        log_every = max(n for n in range(1, min(wanted, every) + 1) if every % n == 0)
        return cls(planned, EMA_SHARE * planned if settings.ema is None else settings.ema, every, log_every)
