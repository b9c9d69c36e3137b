"""Where the rows of a trial come from: a run, a table made elsewhere, a plain baseline; and the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganvas import names
from ganvas.errors import InputError
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.tables import Trial
from ganvas.files import is_table
from ganvas.metrics.tables.baselines import independent, sequential_cart
from ganvas.metrics.tables.rows import Rows, part
from ganvas.run import Run
from ganvas.space import Data
from ganvas.space import Rows as Index
from ganvas.spaces.tables.reading import open_source
from ganvas.spaces.tables.space import Table

MOST, LEAST = 10_000, 1_000  # made rows when nobody says how many: as many as were trained on, within these
MOST_READ = 500_000  # real rows that are held in memory


def cart(space: Table, raw: Rows, n: int, rng: np.random.Generator) -> Rows:
    """Rows of a decision tree for each column: hard to beat in likeness, and without regard for privacy."""
    return sequential_cart(raw, space.discrete, n, rng)


def shuffled(space: Table, raw: Rows, n: int, rng: np.random.Generator) -> Rows:
    """Rows of columns that were shuffled independently."""
    return independent(raw, n, rng)


PLAIN: Mapping[str, Callable[[Table, Rows, int, np.random.Generator], Rows]] = {"independent": shuffled, "cart": cart}


@dataclass(frozen=True)
class Real:
    """Real rows: those made ones are compared with, and ``others``; ``trained``: others are what was trained on."""

    name: str
    space: Table
    others: Rows
    rows: Rows
    trained: bool
    origin: Mapping[str, Any]


def tabular(thing: object) -> bool:
    """Whether rows of a table are to be judged."""
    if isinstance(thing, Run):
        return isinstance(thing.space, Table)
    if isinstance(thing, str | Path):
        return is_table(thing) or (str(thing) in PLAIN and not Path(thing).exists())
    return True


def real_rows(run: Run | None, against: Any, split: str | None, seed: int = 0) -> Real:
    """The real rows for a run, or those that are given. InputError says what is missing."""
    if run is not None:
        own = against if isinstance(against, Data) else data_of(run, against)
        if isinstance(own, Data) and own.fingerprint == run.info["data"]["fingerprint"]:
            return split_rows(own, split or "held-out", seed, str(run.path))
        if against is None:
            raise InputError(f"the data of {run.path} is not where it was, or has changed; give it with --against")
        return other_rows(run, against, split, seed)
    if isinstance(against, Data):
        return split_rows(against, split or ("held-out" if len(against.held_out) else "train"), seed, against.name)
    if against is None:
        raise InputError("say which rows are real: --against DATA.csv, or judge a run beside")
    before, comma, after = str(against).partition(",") if isinstance(against, str) else ("", "", "")
    if comma and not Path(str(against)).exists():
        return two_tables(before, after)
    if split is None:
        return split_rows(table_of(against, holdout=0.0), "train", seed, called(against))
    return split_rows(table_of(against), split, seed, called(against))


def other_rows(run: Run, against: Any, split: str | None, seed: int) -> Real:
    """Rows of another table in the columns of a run's; its own training rows are the others, where they are found."""
    assert isinstance(run.space, Table)
    name = called(against)
    if split is not None:
        raise InputError(f"--split {split} is a part of the run's own data, and {name} is not that; leave it out")
    if isinstance(against, Data):
        kept = read(against.held_out if len(against.held_out) else against.train, seed)
        against = against.space.frame(kept)  # type: ignore[attr-defined]
    raw = run.space.read(open_source(against)[0])
    own, origin = data_of(run), {"fingerprint": None, "split": None}
    if own is not None:
        return Real(name, run.space, read(own.train, seed), part(raw, MOST_READ, seed), True, origin)
    return halved(name, run.space, raw, origin, seed)


def split_rows(data: Data, split: str, seed: int, asking: str) -> Real:
    """What was held out, with the training rows as the others; or all rows of the training split, halved."""
    if not isinstance(data.space, Table):
        raise InputError(f"{data.name} is no table; give real rows with --against DATA.csv")
    origin = {"fingerprint": data.fingerprint, "split": split}
    name = f"{data.name} ({split})" if len(data.held_out) else data.name
    if split == "train":
        return halved(name, data.space, read(data.train, seed), origin, seed)
    if not len(data.held_out):
        raise InputError(f"{asking} held nothing out; give real samples with --against, or --split train")
    return Real(name, data.space, read(data.train, seed), read(data.held_out, seed), True, origin)


def two_tables(before: str, after: str) -> Real:
    """``train.csv,others.csv``: what made rows were learnt from, and real rows that were not."""
    data = table_of(before.strip(), holdout=0.0)
    assert isinstance(data.space, Table)
    unseen = data.space.read(open_source(after.strip())[0])
    origin = {"fingerprint": data.fingerprint, "split": None}
    return Real(after.strip(), data.space, read(data.train), part(unseen, MOST_READ), True, origin)


def halved(name: str, space: Table, raw: Rows, origin: Mapping[str, Any], seed: int) -> Real:
    """One half of the rows to compare with, the other to see what real rows reach."""
    if len(raw) < 2:
        raise InputError(f"{name} has {len(raw)} rows; give two or more")
    order = np.random.default_rng(seed).permutation(len(raw))[:MOST_READ]
    first, second = (raw[np.sort(half)] for half in (order[: len(order) // 2], order[len(order) // 2 :]))
    return Real(name, space, first, second, False, origin)


def table_of(source: Any, **options: Any) -> Data:
    """A table from a path or from memory. InputError for what is none."""
    if isinstance(source, str | Path) and not is_table(source):
        raise InputError(f"{source} is no table; give a .csv, .parquet or .feather of real rows")
    return names.data(str(source) if isinstance(source, Path) else source, **options)


def called(source: Any) -> str:
    """What to call a source."""
    if isinstance(source, Data):
        return source.name
    return str(source) if isinstance(source, str | Path) else "a table in memory"


def read(some: Index, seed: int = 0) -> Rows:
    """The raw rows, MOST_READ of them at the most."""
    which = part(np.arange(len(some)), MOST_READ, seed)
    raw: Rows = some.read(np.sort(which))[0]
    return raw


def usual(real: Real) -> int:
    """How many rows are made when nobody says: as many as were trained on, within bounds."""
    return min(max(len(real.others), LEAST), MOST)


def given(thing: Any, real: Real, count: int, seed: int = 0) -> Rows:
    """The rows of a table made elsewhere, or ``count`` rows of a plain baseline. InputError for what has no rows."""
    if isinstance(thing, str) and thing in PLAIN:
        return PLAIN[thing](real.space, real.others, count, np.random.default_rng(seed))
    made = part(real.space.read(open_source(thing)[0]), MOST_READ, seed)
    if not len(made):
        raise InputError(f"{called(thing)} has no rows; give at least 10")
    return made


def trial(name: str, made: Rows, real: Real, wanted: Sequence[str], seed: int = 0) -> Trial:
    """The made rows before the real ones."""
    return Trial(name, real.name, real.space, made, real.others, real.rows, real.trained, wanted, seed, real.origin)
