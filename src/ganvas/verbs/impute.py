"""Fill the holes of a table: with what is best in each, or with draws from what may stand there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ganvas.errors import InputError
from ganvas.files import is_table, write_file
from ganvas.imputation import Imputer
from ganvas.run import Run
from ganvas.spaces.tables.loading import tables
from ganvas.spaces.tables.reading import open_source
from ganvas.spaces.tables.writing import written
from ganvas.verbs.train import train


def impute(
    what: Run | str | Path,
    *,
    out: str | Path,
    table: str | Path | None = None,
    draws: int = 0,
    seed: int = 0,
    run: str | Path | None = None,
    metadata: str | None = None,
    constraints: str | None = None,
) -> Path:
    """Fill the missing values of a table and write it to ``out``; returns its path. What is known stays as it is.

    A number is filled with its expectation, a class with the likeliest one. Draws carry the uncertainty into what is
    computed from the rows: analyse each, then pool the results (Rubin 1987).

    Args:
        what: the table to learn from and to fill, or a run of a table.
        out: a .csv, .tsv, .parquet or .feather.
        table: the table to fill (default: the one that was learnt from; a run needs one).
        draws: write so many files instead, OUT-1, OUT-2 …, each with every hole drawn at random.
        seed: of the training and of the draws.
        run: keep the run in this folder; later tables can then be filled without training.
        metadata: what the columns are, SDV's JSON or {"column": "category"} in a file.
        constraints: what every drawn row keeps, "low <= high; price > 0; (city, state)".

    Raises:
        InputError: a table cannot be read or written, a run is of no table, or none is named to fill.
    """
    out = Path(out)
    if draws < 0:
        raise InputError(f"--draws {draws} must be 0 or more")
    if not is_table(out):
        raise InputError(f"--out {out} is no name of a table; end it with .csv, .tsv, .parquet or .feather")
    if isinstance(what, Run) or not is_table(str(what)):
        if table is None:
            raise InputError(f"which table to fill? ganvas impute {what} --table TABLE.csv --out {out}")
        found = Imputer.of(what if isinstance(what, Run) else Run(what))
    else:
        found = learnt(what, run, seed, metadata, constraints)
    frame, _ = open_source(what if table is None else table)
    raw = found.space.read(frame)
    if not draws:
        write_file(out, written(found.fill(frame, found.estimate(raw)), out))
    for number in range(1, draws + 1):
        place = out.with_name(f"{out.name.partition('.')[0]}-{number}.{out.name.partition('.')[2]}")
        write_file(place, written(found.fill(frame, found.draw(raw, seed + number)), place))
    return out


def learnt(source: Any, run: str | Path | None, seed: int, metadata: Any = None, constraints: Any = None) -> Imputer:
    """An imputer trained on a table, kept in the folder ``run`` if there is to be one."""
    data = tables(source, metadata=metadata, constraints=constraints, holdout=Imputer.HELD, seed=seed)
    with tempfile.TemporaryDirectory() as scratch:
        made = train(data, recipe="impute", run=run or Path(scratch) / "run", seed=seed, quiet=True)
        found = Imputer.fit(made, data)
        if run is not None:
            found.save(made)
    return found
