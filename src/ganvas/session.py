"""One training session: the players, their optimisers and average, the data's position, and the clock."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import DivergedError, InputError, Interrupted
from ganvas.game import Move
from ganvas.generator import Generator
from ganvas.monitors.health import CONFIRMED, damage, explosion, live
from ganvas.monitors.progress import Monitor
from ganvas.recipe import Couple
from ganvas.rules.rules import Rules
from ganvas.run import Run
from ganvas.space import Data
from ganvas.training import checkpoints, state
from ganvas.training.batches import Batches
from ganvas.training.devices import Device
from ganvas.training.ema import EMA
from ganvas.training.figures import gather, overfitting, signs
from ganvas.training.optim import Optimisers
from ganvas.training.plan import SEEN, Plan
from ganvas.training.rollback import ROLLBACKS, advice, other_way
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings
from ganvas.training.signals import Signals

if TYPE_CHECKING:
    from ganvas.evaluation.judge import Judge


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
        judge: Judge | None = None,
    ) -> None:
        self.data, self.settings, self.device, self.plan = data, settings, device, plan
        self.judge = judge if len(data.held_out) else None
        self.given, self.rules, self.space = given, Rules(**given.get("rules", {})), couple.told(data.space, given)
        self.game = couple.build(data.space, given, settings).to(device.name)
        if len(data.space.shape) == 3:
            self.game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.game.planned = plan.planned
        self.optimisers = Optimisers(self.game, settings.lr)
        self.ema = EMA(self.game, plan.ema)
        shard = (device.rank, device.ranks)
        self.batches = Batches(data, settings.batch, settings.seed, device.name, shard)
        self.seconds = 0.0
        self.waited = 0  # checkpoints since the best one
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
        players = (self.game, self.batches, self.optimisers, self.ema)
        how = self.settings
        return rounds(*players, plays=how.accumulate, clip=how.clip, rules=self.rules, device=self.device)

    def resume(self, run: Run) -> bool:
        """Go back to the newest checkpoint of ``run``; False when there is none and it starts from round 0."""
        newest = checkpoints.latest(run.path / "state")
        if run.info.get("divergence"):
            self.record(run, divergence=None)
        for rollback in run.info.get("rollbacks", []):
            self.change(rollback)
        if newest is not None:
            self.go_back(run, newest)
        elif self.device.first:
            run.cut_log(0)
        self.device.share(0.0)  # nobody goes on before rank 0 has written
        return newest is not None

    def go_back(self, run: Run, checkpoint: Path) -> None:
        """Be as the session was at a checkpoint, and drop what the run wrote after it."""
        self.seconds = max(self.seconds, state.restore(checkpoint, self.game, self.optimisers, self.ema).seconds)
        self.batches.position = self.game.seen
        if self.device.first:
            run.cut_log(self.game.t)
            checkpoints.forget_after(checkpoint)
            self.publish(run, checkpoint)
        self.tell(run)

    def change(self, rollback: Mapping[str, Any]) -> None:
        """Other random numbers, and smaller steps if the user allows, after a rollback."""
        self.batches.seed = rollback["seed"]
        self.optimisers.gentler(rollback["gentler"])

    def play(self, run: Run, monitors: Sequence[Monitor]) -> None:
        """Train to the end of the plan, write log and checkpoints, tell the monitors.

        Raises Interrupted after a signal, DivergedError when the game broke down and the run is to stop then,
        InputError when the disk refuses; what was written before stays.
        """
        if self.device.agree(self.ended):
            return
        if self.device.first and not self.game.t:
            self.score(run)
        with Signals(self._ask):  # the first one asks to stop after this round, a second one stops at once
            while not self.device.agree(self._stop or self.ended):
                try:
                    self.play_on(run, monitors)
                except DivergedError as error:
                    self.recover(run, error)
        if self.device.first and (self.settings.stop_on or run.info.get("rollbacks")):
            self.publish_best(run)
        self.device.share(0.0)  # nobody leaves before rank 0 has written
        if self._stop and not self.ended:
            raise Interrupted(f"stopped after {self.game.t} rounds; go on with: ganvas train --resume {run.path}")

    def play_on(self, run: Run, monitors: Sequence[Monitor]) -> None:
        """Rounds until the end, a signal, or a DivergedError."""
        earlier, start = self.seconds, time.perf_counter()
        sums: dict[str, list[Tensor]] = {}
        lines = run.log
        self.optimisers.measuring = (self.game.t + 1) % self.plan.log_every == 0
        for moves in self.rounds():
            gather(sums, moves)
            self.seconds = earlier + time.perf_counter() - start
            stop = self.device.agree(self._stop or self.ended)
            line = self.note(run, sums, moves, lines) if self.game.t % self.plan.log_every == 0 or stop else None
            for monitor in monitors:
                monitor(self.game.t, self.game, line)
            if self.game.t % self.plan.checkpoint_every == 0 or stop:
                self.checkpoint(run)  # last: what a kill leaves undone is done again
                stop = self.device.agree(self._stop or self.ended)
            if stop:
                return
            self.optimisers.measuring = (self.game.t + 1) % self.plan.log_every == 0

    def recover(self, run: Run, error: DivergedError) -> None:
        """After a breakdown: back to the last healthy checkpoint, then on in another way, or stop.

        Raises DivergedError when the run is to stop, was rolled back too often, or has no checkpoint yet.
        """
        before = run.info.get("rollbacks", [])
        reason, onset = str(error), self.game.t if error.onset is None else error.onset
        told = {"t": self.game.t, "seen": self.game.seen, "reason": reason}
        target = checkpoints.healthy(run.path / "state", run.scores, onset)
        self.device.share(0.0)  # all ranks have looked before rank 0 tidies up
        if target is not None:
            self.go_back(run, target)
            told["back_to"] = self.game.t
        if target is None or self.settings.on_divergence == "stop" or len(before) >= ROLLBACKS:
            self.record(run, divergence=told)
            raise DivergedError(f"{reason}; {advice(run.path, target, len(before))}")
        told |= other_way(before, self.game.t, self.settings)
        self.record(run, rollbacks=[*before, told])
        self.change(told)
        if self.device.first and not self.settings.quiet:
            how = f"learning rates x{told['gentler']:g}" if self.settings.gentler else "other random numbers"
            print(f"{reason}: back to round {self.game.t}, {how}", file=sys.stderr)

    def record(self, run: Run, **changes: Any) -> None:
        """Change entries of run.json: rank 0 writes, the others know."""
        if self.device.first:
            run.update(**changes)
        else:
            run.info |= changes

    def note(
        self, run: Run, sums: dict[str, list[Tensor]], moves: Sequence[tuple[str, Move]], lines: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Write the log line that is due now, add it to ``lines`` and begin a new one.

        Raises DivergedError when a figure is no longer finite or has left all measure.
        """
        sums |= signs(moves) | {f"{name}.gradient": [norm] for name, norm in self.optimisers.gradients.items()}
        self.optimisers.gradients = {}
        line = self.line(sums)
        sums.clear()
        if self.device.first:
            run.write_log(line)
        lines.append(line)
        if reason := explosion(lines):
            raise DivergedError(reason, lines[-1 - CONFIRMED]["t"])
        return line

    @property
    def ended(self) -> bool:
        """Whether the run has had its samples, rounds or minutes, or what it stops on has not improved for long."""
        settings = self.settings
        if settings.stop_on is not None and self.waited >= settings.patience:
            return True
        if settings.minutes is not None:
            return self.seconds >= 60 * settings.minutes
        if settings.rounds is not None:
            return self.game.t >= settings.rounds
        return self.game.seen >= (settings.seen or SEEN)

    def line(self, sums: Mapping[str, Sequence[Tensor]]) -> dict[str, Any]:
        """A line of the log: means since the last one. Raises DivergedError when one is not finite."""
        averages = torch.stack([torch.stack(list(values)).mean() for values in sums.values()])
        self.device.synchronise([averages])
        means = dict(zip(sums, averages.tolist(), strict=True))
        if bad := [name for name, value in means.items() if not math.isfinite(value)]:
            raise DivergedError(f"{' and '.join(bad)} not finite after {self.game.t} rounds")
        counts = {"t": self.game.t, "seen": self.game.seen, "seconds": round(self.seconds, 3)}
        return counts | {name: float(f"{value:.6g}") for name, value in means.items()}

    def checkpoint(self, run: Run) -> None:
        """Write the state, the averaged generator and, with held-out data, the score that chooses the best.

        Raises DivergedError, on all ranks, when a weight is not finite or the score has become bad beyond doubt.
        """
        state.check_finite(self.game)
        broken = ""
        if self.device.first:
            written = state.save(run.path / "state", self.game, self.optimisers, self.ema, self.seconds)
            self.publish(run, written)
            broken = damage(run.scores)
        if self.device.agree(bool(broken)):
            raise DivergedError(broken or "the score of the checkpoints has broken down")
        self.tell(run)

    def tell(self, run: Run) -> None:
        """Let the game hear the newest score, on every rank; done again on resume."""
        if self.judge is not None:
            self.game.heard(self.device.share(run.scores[-1]["score"] if self.device.first else 0.0))

    def publish(self, run: Run, written: Path) -> None:
        """Write the generator of a checkpoint and judge it; done again on resume, in case a kill came between."""
        run.write_generator(self.generator, self.space, self.arguments, written.name)
        score = self.score(run)
        if score is not None and self.judge is not None:
            checkpoints.mark_best(run.path / "state", written, self.judge.told, score)
            scores = [line["score"] for line in run.scores]
            self.waited = len(scores) - 1 - int(np.argmin(scores))

    def score(self, run: Run) -> float | None:
        """Judge the generator and write its score down; None when there are no held-out rows to judge by."""
        if self.judge is None:
            return None
        found, overfit = self.judge(self.generator), overfitting(self.game, self.data)
        line: dict[str, Any] = {"t": self.game.t, "seen": self.game.seen, "metric": self.judge.metric, "score": found}
        line |= {} if overfit is None else {"overfit": overfit}
        before = [known for known in run.scores if known["t"] < self.game.t]
        line["health"] = live(run.log, [*before, line], overfit)
        run.write_score(line)
        if line["health"] not in ("healthy", before[-1]["health"] if before else "") and not self.settings.quiet:
            print(f"round {self.game.t}: {line['health'].replace('_', ' ')}; see: ganvas diagnose", file=sys.stderr)
        return found

    def publish_best(self, run: Run) -> None:
        """Let ``generator/`` be that of the best checkpoint."""
        best = checkpoints.best(run.path / "state")
        if best is not None:
            self.ema.average.load_state_dict(checkpoints.average(best))
            run.write_generator(self.generator, self.space, self.arguments, best.name)

    @property
    def arguments(self) -> dict[str, Any]:
        """What made the generator's network, after the space."""
        name = next(n for n, average in self.ema.average.items() if average is self.generator)
        return dict(self.given.get(name, {}))

    def _ask(self) -> None:
        self._stop = True
