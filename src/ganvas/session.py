"""One training session: the players, their optimisers and average, the data's position, and the clock."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError, Interrupted
from ganvas.game import Move
from ganvas.generator import Generator
from ganvas.metrics.sliced_wasserstein import sliced_wasserstein
from ganvas.monitors.progress import Monitor
from ganvas.recipe import Couple
from ganvas.run import Run
from ganvas.space import Data
from ganvas.training import state
from ganvas.training.batches import Batches
from ganvas.training.devices import Device
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings

SEEN = 500_000  # samples a run shows when nobody says how long
JUDGED = 1024  # held-out samples a checkpoint is scored on
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


class Session:
    """Everything that moves while a run trains. The same arguments make the same session, bit for bit."""

    def __init__(
        self,
        data: Data,
        couple: Couple,
        given: Mapping[str, Mapping[str, Any]],
        settings: Settings,
        device: Device,
        plan: Plan,
    ) -> None:
        self.data, self.settings, self.device, self.plan = data, settings, device, plan
        self.given = given
        self.game = couple.build(data.space, given, settings).to(device.name)
        if len(data.space.shape) == 3:
            self.game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.game.planned = plan.planned
        self.optimisers = Optimisers(self.game, settings.lr)
        self.ema = EMA(self.game, plan.ema)
        shard = (device.rank, device.ranks)
        self.batches = Batches(data, settings.batch, settings.seed, device.name, shard)
        self.seconds = 0.0
        self._stop = False

    @property
    def generator(self) -> Generator:
        """The averaged generator: G, or a game's first one."""
        averages = dict(self.ema.average.items())
        found = averages.get("G") or next(iter(averages.values()), None)
        if not isinstance(found, Generator):
            raise InputError(
                f"{type(self.game).__name__} has no player of type Generator, so there is nothing to sample"
            )
        return found

    def trial(self, seconds: float) -> tuple[int, float]:
        """Play for about ``seconds``, at least two rounds: samples shown in a round, and in a second."""
        start = begun = time.perf_counter()
        before = 0
        for moves in self.rounds():
            float(moves[-1][1].loss)  # waits for a GPU
            now = time.perf_counter()
            if self.game.t == 1:
                start, before = now, self.game.seen
            if self.device.agree(self.game.t > 1 and now - begun > seconds):
                break
        rate = (self.game.seen - before) / (now - start)
        return math.ceil(self.game.seen / self.game.t), self.device.share(rate)

    def rounds(self) -> Any:
        """The loop over this session's parts."""
        return rounds(
            self.game,
            self.batches,
            self.optimisers,
            self.ema,
            plays=self.settings.accumulate,
            clip=self.settings.clip,
            device=self.device,
        )

    def resume(self, run: Run) -> bool:
        """Go back to the newest checkpoint of ``run``; False when there is none and it starts from round 0."""
        newest = state.latest(run.path / "state")
        if newest is not None:
            self.seconds = state.restore(newest, self.game, self.optimisers, self.ema).seconds
            self.batches.position = self.game.seen
        if self.device.first:
            run.cut_log(self.game.t)
            if newest is not None:
                self.publish(run, newest)
        self.device.share(0.0)  # nobody goes on before rank 0 has written
        return newest is not None

    def play(self, run: Run, monitors: Sequence[Monitor]) -> None:
        """Train to the end of the plan, write log and checkpoints, tell the monitors.

        Raises Interrupted after a signal, FloatingPointError when a loss is no longer finite, InputError when the
        disk refuses; what was written before stays.
        """
        if self.device.agree(self.ended):
            return
        earlier, start = self.seconds, time.perf_counter()
        sums: dict[str, list[Tensor]] = {}
        with self.signals():
            for moves in self.rounds():
                gather(sums, moves)
                self.seconds = earlier + time.perf_counter() - start
                stop = self.device.agree(self._stop or self.ended)
                line = self.note(run, sums) if self.game.t % self.plan.log_every == 0 or stop else None
                for monitor in monitors:
                    monitor(self.game.t, self.game, line)
                if self.game.t % self.plan.checkpoint_every == 0 or stop:
                    self.checkpoint(run)  # last: what a kill leaves undone is done again
                if stop:
                    break
        self.device.share(0.0)  # nobody leaves before rank 0 has written
        if self._stop and not self.ended:
            raise Interrupted(f"stopped after {self.game.t} rounds; go on with: ganvas train --resume {run.path}")

    def note(self, run: Run, sums: dict[str, list[Tensor]]) -> dict[str, Any]:
        """Write the log line that is due now and begin a new one."""
        line = self.line(sums)
        sums.clear()
        if self.device.first:
            run.write_log(line)
        return line

    @property
    def ended(self) -> bool:
        """Whether the run has had its samples, its rounds or its minutes."""
        settings = self.settings
        if settings.minutes is not None:
            return self.seconds >= 60 * settings.minutes
        if settings.rounds is not None:
            return self.game.t >= settings.rounds
        return self.game.seen >= (settings.seen or SEEN)

    def line(self, sums: Mapping[str, Sequence[Tensor]]) -> dict[str, Any]:
        """A line of the log: means since the last one. Raises FloatingPointError when one is not finite."""
        averages = torch.stack([torch.stack(list(values)).mean() for values in sums.values()])
        self.device.synchronise([averages])
        means = dict(zip(sums, averages.tolist(), strict=True))
        if bad := [name for name, value in means.items() if not math.isfinite(value)]:
            raise FloatingPointError(f"{', '.join(bad)} is not finite after {self.game.t} rounds")
        counts = {"t": self.game.t, "seen": self.game.seen, "seconds": round(self.seconds, 3)}
        return counts | {name: float(f"{value:.6g}") for name, value in means.items()}

    def checkpoint(self, run: Run) -> None:
        """Write the state, the averaged generator and, with held-out data, the score that chooses the best."""
        if not self.device.first:
            return
        written = state.save(run.path / "state", self.game, self.optimisers, self.ema, self.seconds)
        self.publish(run, written)

    def publish(self, run: Run, written: Path) -> None:
        """Write the generator of a checkpoint and judge it; done again on resume, in case a kill came between."""
        run.write_generator(self.generator, self.data.space, self.arguments)
        if held_out := len(self.data.held_out):
            real, labels = self.data.held_out.read(np.arange(min(held_out, JUDGED)))
            fake, _ = self.generator.draw(range(len(real)), label=labels)
            score = sliced_wasserstein(self.data.space.encode(real), fake)
            state.mark_best(run.path / "state", written, "sliced Wasserstein, held-out, raw values", score)

    @property
    def arguments(self) -> dict[str, Any]:
        """What made the generator's network, after the space."""
        name = next(n for n, average in self.ema.average.items() if average is self.generator)
        return dict(self.given.get(name, {}))

    def signals(self) -> Signals:
        """While entered, SIGINT and SIGTERM ask the loop to stop after this round; a second one stops at once."""
        return Signals(self._ask)

    def _ask(self) -> None:
        self._stop = True


class Signals:
    """A context in which the first SIGINT or SIGTERM calls ``ask`` and the next one acts as always."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self.ask, self.before = ask, dict[int, Any]()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.ask()
        signal.signal(number, self.before[number])

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)


def gather(sums: dict[str, list[Tensor]], moves: Sequence[tuple[str, Move]]) -> None:
    """Add a round's losses (by player) and notes (as means) to ``sums``."""
    for name, move in moves:
        where = move.loss.device  # a note may be a plain number: all figures are averaged in one place
        sums.setdefault(name, []).append(move.loss.float())
        for note, value in move.notes.items():
            sums.setdefault(f"{name}.{note}", []).append(
                torch.as_tensor(value, dtype=torch.float32, device=where).mean()
            )
