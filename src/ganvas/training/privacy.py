"""Differential privacy of a run: what is refused, how much noise a budget asks for, and what has been spent.

The unit is one row, added or removed. The account is Opacus' (Rényi differential privacy of the subsampled Gaussian
mechanism: Mironov et al. 2019, arXiv:1908.10530): the counts that the space is made of, and D's steps, in one sum.
"""

from __future__ import annotations

import importlib
import math
import os
import secrets
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ganvas.errors import InputError
from ganvas.files import read_json, write_json
from ganvas.game import Batch, Draws, Game
from ganvas.space import Data
from ganvas.training.batches import Batches, seed_torch
from ganvas.training.plan import SEEN
from ganvas.training.settings import Settings

if TYPE_CHECKING:
    from ganvas.run import Run

TABLE = 0.3  # of epsilon: what the space alone would cost; squares add up, so D's steps keep nearly all of it
LISTS = 0.1  # of delta: that a class of a single row is listed
LEAST, MOST = 0.1, 1e4  # noise
SECRET = "secret.json"  # noqa: S105 (a file's name)


@dataclass(frozen=True)
class Guard:
    """The budget of a run and how it is spent.

    ``moves`` of D in each of ``rounds`` rounds see each row with the chance ``rate``, under ``noise``; the space was
    made from ``counts`` histograms under ``table_noise``. All of it is drawn by the seed ``secret``.
    """

    epsilon: float
    delta: float
    rate: float
    moves: int
    rounds: int
    counts: int
    noise: float = MOST
    table_noise: float = MOST
    secret: int = field(default=0, repr=False)

    def fitted(self) -> Self:
        """The same with the least noise under which all rounds keep the budget. InputError when none does."""
        table = replace(self, table_noise=self.least("table_noise", 0, TABLE * self.epsilon))
        return replace(table, noise=table.least("noise", self.rounds, self.epsilon))

    def least(self, name: str, rounds: int, epsilon: float) -> float:
        """The least noise of this name under which ``rounds`` rounds cost no more than ``epsilon``."""
        low, high = LEAST, MOST
        if self.spent(rounds) > epsilon:
            raise InputError(f"--epsilon {self.epsilon:g} is too little for {self.rounds:,} rounds; give more of it")
        while high / low > 1.0001:
            middle = math.sqrt(low * high)
            fits = replace(self, **{name: middle}).spent(rounds) <= epsilon  # type: ignore[arg-type]
            low, high = (low, middle) if fits else (middle, high)
        return high

    def spent(self, rounds: int) -> float:
        """Epsilon after so many rounds, the space included, at this delta."""
        total = self.counts * self.cost(1.0, self.table_noise)
        if rounds:
            total = total + rounds * self.moves * self.cost(self.rate, self.noise)
        account = opacus("accountants.analysis.rdp")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the best order is the first or last one
            epsilon, _ = account.get_privacy_spent(orders=orders(), rdp=total, delta=(1 - LISTS) * self.delta)
        return float(epsilon)

    @staticmethod
    def cost(rate: float, noise: float) -> np.ndarray:
        """Rényi divergence of one step, at each of the orders."""
        account = opacus("accountants.analysis.rdp")
        return np.asarray(account.compute_rdp(q=rate, noise_multiplier=noise, steps=1, orders=orders()))

    def told(self, rounds: int) -> dict[str, Any]:
        """What run.json says."""
        told = {name: value for name, value in asdict(self).items() if name != "secret"}
        return told | {"epsilon_spent": self.spent(rounds), "account": "Opacus, RDP", "unit": "one row"}

    def data(self, data: Data) -> Data:
        """The data in a space that is made from noised counts."""
        made: Data = counting().privately(data, self.table_noise, LISTS * self.delta, self.secret)
        return made

    def batches(self, plain: Batches) -> Batches:
        """What the players see instead: each row with the chance ``rate``, by the secret seed."""
        drawn = Poisson(plain.data, plain.size, self.secret, plain.device)
        drawn.position = plain.position
        return drawn

    def begin(self, run: Run) -> None:
        """Write the secret beside run.json, outside ``generator/``, and the budget into run.json."""
        note = "whoever has this can take the noise off: never give it away; without it the run cannot go on"
        write_json(run.path / SECRET, {"seed": self.secret, "note": note})
        run.update(privacy=self.told(0))

    def monitor(self, run: Run) -> Callable[[int, Game, Mapping[str, Any] | None], None]:
        """Writes down with each line of the log what has been spent."""

        def spending(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
            if line is not None:
                run.update(privacy=self.told(t))

        return spending


class Poisson(Batches):
    """``next(batches)`` has each row with the chance size / rows, as the account assumes; ``size`` rows on average."""

    def __next__(self) -> Batch:
        count = len(self.data.train)
        random = np.random.Generator(np.random.Philox(key=[self.seed, self.position], counter=[0, 0, 2, 0]))
        chosen = np.flatnonzero(random.random(count) < self.size / count)
        draws = Draws(self.seed, self.position, np.arange(len(chosen)), self.size)
        seed_torch(self.seed, self.position, 0)
        self.position += self.size
        x = self.data.space.encode(self.data.train.read(chosen)[0])
        return Batch(x.to(self.device), None, draws)


def check(game: type[Game], data: Data, given: Mapping[str, Mapping[str, Any]], settings: Settings) -> None:
    """InputError, with the reason, for all that would void the guarantee, and for a budget that is none."""
    own, ranks = game.private_moves(given["game"]) > 0, int(os.environ.get("WORLD_SIZE", 1))
    refused = {
        f"--game {game.__name__.lower()}": ("its players see real rows themselves; take dpgan", not own),
        "more than one process": ("each would draw rows of its own", ranks > 1),
        "--stop-on": ("it looks at held-out rows, which are records too", settings.stop_on is not None),
        "--on-divergence rollback": ("it plays rounds twice", settings.on_divergence == "rollback"),
        "--accumulate": ("a batch has another size each time", settings.accumulate > 1),
        "--minutes": ("the budget is shared out over rounds; give --rounds or --seen", settings.minutes is not None),
        "--noise": ("it follows from epsilon", "noise" in given["game"]),
        **{f"--{name.replace('_', '-')}": ("it uses real rows in its own way", True) for name in given["rules"]},
    }
    for name, (reason, bad) in refused.items():
        if bad:
            raise InputError(f"{name} does not go with --epsilon: {reason}")
    counting().histograms(data.space)
    if settings.delta is None or not 0 < settings.delta < 1 / len(data.train):
        raise InputError(f"--epsilon needs --delta, more than 0 and less than 1 / {len(data.train):,}, such as 1e-6")
    if settings.batch > len(data.train):
        raise InputError(f"--batch {settings.batch} is more than the {len(data.train):,} rows; give fewer")


def guard(game: type[Game], data: Data, given: Mapping[str, Mapping[str, Any]], settings: Settings) -> Guard:
    """The guard of a new run, with a secret from the operating system. InputError for all that ``check`` refuses."""
    check(game, data, given, settings)
    assert settings.epsilon is not None
    assert settings.delta is not None
    moves, rate = game.private_moves(given["game"]), settings.batch / len(data.train)
    rounds = settings.rounds or math.ceil((settings.seen or SEEN) / (settings.batch * moves))
    budget = (settings.epsilon, settings.delta, rate, moves, rounds, counting().histograms(data.space))
    return Guard(*budget, secret=secrets.randbits(63)).fitted()


def recorded(run: Run) -> Guard | None:
    """The guard of a run that was begun with one. InputError when its secret is gone."""
    if "privacy" not in run.info:
        return None
    if not (run.path / SECRET).exists():
        raise InputError(
            f"{run.path / SECRET} is gone: without it a private run can neither go on nor be compared with its data"
        )
    known = {f.name: run.info["privacy"][f.name] for f in fields(Guard) if f.name != "secret"}
    return Guard(**known, secret=int(read_json(run.path / SECRET)["seed"]))


@cache
def orders() -> list[float]:
    """The orders at which the account is kept: Opacus' own, and higher ones for small budgets."""
    return [*opacus("accountants").RDPAccountant.DEFAULT_ALPHAS, *(2.0**k for k in range(6, 11))]


def counting() -> Any:
    """How the space of a table is made from counts: loaded when it is needed, as all of tables is."""
    return importlib.import_module("ganvas.spaces.tables.private")


def opacus(part: str) -> Any:
    """A part of Opacus. InputError that says how to get it."""
    try:
        return importlib.import_module(f"opacus.{part}")
    except ImportError as error:
        raise InputError("--epsilon needs Opacus; install it with: pip install 'ganvas[privacy]'") from error
