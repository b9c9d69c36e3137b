"""How a game is trained, apart from the game itself. Defaults are written here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganvas.errors import InputError

LENGTHS = ("seen", "rounds", "minutes", "checkpoint_every", "patience")
POSITIVE = (*LENGTHS, "batch", "accumulate", "lr", "clip", "threads", "epsilon")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a run. One of ``seen``, ``rounds`` and ``minutes`` says how long; without any, ``seen``."""

    seen: int | None = None  # train on so many real samples (default 500,000)
    rounds: int | None = None  # … or for so many rounds
    minutes: float | None = None  # … or for so long
    batch: int = 64  # real samples in a batch, over all plays and ranks
    accumulate: int = 1  # plays a round is split into, to save memory
    lr: float | None = None  # learning rate of every player (default: the game's own)
    seed: int = 0  # of weights, data order and latents
    ema: float | None = None  # half-life of the averaged generator, in samples (default: 2 % of the run)
    clip: float | None = None  # bound on the norm of a move's gradient
    prior: Literal["normal", "uniform", "truncated"] = "normal"  # where latents come from
    checkpoint_every: int | None = None  # rounds between checkpoints (default: 20 in a run)
    metric: str = (
        "sliced_wasserstein"  # what the best checkpoint is chosen by, on held-out data; or fid, kid, c2st (rows)
    )
    extractor: str | None = None  # whose features fid and kid compare (default: what suits the data)
    stop_on: str | None = None  # stop when this metric (fid, kid, c2st, sliced_wasserstein) no longer improves
    patience: int = 5  # … for so many checkpoints in a row
    on_divergence: Literal["stop", "rollback"] = "stop"  # when the game breaks down
    gentler: bool = True  # after a rollback: smaller learning rates too, not only other random numbers
    epsilon: float | None = None  # differential privacy of a table's rows: the run's budget (extra: privacy)
    delta: float | None = None  # … and the chance that it does not hold; less than 1 / rows
    device: str = "auto"  # cuda, mps, cpu
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of the networks' arithmetic
    threads: int | None = None  # CPU threads (default: torch's)
    trust: str | None = None  # your own Python file, when the run to resume uses one
    override: bool = False  # when resuming: accept settings that differ from the recorded ones
    tensorboard: bool = False  # also write TensorBoard events (extra: tensorboard)
    quiet: bool = False  # print nothing while training

    def __post_init__(self) -> None:
        ends = [n for n in ("seen", "rounds", "minutes") if getattr(self, n) is not None]
        if len(ends) > 1:
            raise InputError(f"give one of --seen, --rounds and --minutes, not {' and '.join(ends)}")
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--{name.replace('_', '-')} {value} must be more than 0")
        if self.stop_on is not None and self.metric not in (Settings.metric, self.stop_on):
            raise InputError(f"--metric {self.metric} and --stop-on {self.stop_on} differ; give --stop-on alone")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"--seed {self.seed} must be between 0 and 2^63 - 1")
        if self.ema is not None and self.ema < 0:
            raise InputError(f"--ema {self.ema} must be 0 or more samples")
