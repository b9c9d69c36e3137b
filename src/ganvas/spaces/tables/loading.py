"""Data sets of tables: from a source to rows to train on and rows held out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.space import Data, Rows, hold_out
from ganvas.spaces.tables.constraints import parse
from ganvas.spaces.tables.detection import Found, Hint, detect
from ganvas.spaces.tables.layout import Layout, label_of, names_of
from ganvas.spaces.tables.library import pandas
from ganvas.spaces.tables.metadata import hints, plain
from ganvas.spaces.tables.reading import open_source
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.streaming import Fit, is_large, rows_in, streamed

SHARE = 0.1  # held out when the data has no test split of its own
Loaded = tuple[Table, dict[str, Any], np.ndarray, np.ndarray, np.ndarray]  # space, report, raw, rows to train on, held


def tables(
    source: Any,
    *,
    target: str | None = None,
    metadata: object = None,
    constraints: Sequence[str] | str | None = None,
    holdout: float | None = None,
    seed: int = 0,
) -> Data:
    """A table to train on.

    Args:
        source: a pandas or polars DataFrame, an Arrow table, a Hugging Face data set, or the path of a .csv, .tsv,
            .parquet, .feather or .arrow file. A Parquet file larger than memory is streamed into the cache folder.
        target: the column that is to be predicted from the others.
        metadata: what the columns are, where you know better: SDV's metadata (the path of its JSON, or the
            dictionary), or {"column": "category"} with number, category, ordered, boolean, date, id or text.
        constraints: what every row keeps, such as "low <= high", "price > 0", "0 <= share <= 1", "(city, state)";
            several as a list, or parted by ";".
        holdout: the share that is never trained on. None: the data's own test split, and 0.1 when it has none.
        seed: of the hold-out.

    Returns:
        Data whose raw rows are float64 [N, fields]; its report says what each column was found to be.

    Raises:
        InputError: one line that names the file or column and says what to do.
    """
    if holdout is not None and not 0 <= holdout < 1:
        raise InputError(f"holdout={holdout} is no share; give a number from 0 up to, not including, 1")
    parts = constraints.split(";") if isinstance(constraints, str) else constraints or ()
    described, rules = plain(metadata), [part.strip() for part in parts if part.strip()]
    fit = partial(fitted, target=target, metadata=described, rules=rules)
    named = str(Path(source).expanduser().absolute()) if isinstance(source, str | Path) else None
    if named is not None and is_large(named):
        found = from_disk(Path(named), holdout, seed, [target, described, rules], fit)
    else:
        found = in_memory(source, holdout, seed, fit)
    space, report, raw, train, held = found
    counts = {"read": len(raw), "train": len(train), "held_out": len(held)}
    origin = {"source": named or "a table in memory", "target": target, "metadata": described or None}
    return Data(
        name=Path(named).name.partition(".")[0] if named else "table",
        space=space,
        train=Rows(raw, None, train),
        held_out=Rows(raw, None, held),
        fingerprint=fingerprint(space, raw),
        report=counts | report | {"summary": summary(report, counts)},
        origin=origin | {"constraints": rules or None, "holdout": holdout, "seed": seed},
    )


def in_memory(source: Any, holdout: float | None, seed: int, fit: Fit) -> Loaded:
    """A table that is read at once: fitted on its training rows, all of it encoded."""
    frame, given = open_source(source)
    if holdout is None and given is not None:
        train, held = np.flatnonzero(~given), np.flatnonzero(given)
    else:
        train, held = hold_out(len(frame), SHARE if holdout is None else holdout, seed)
    kept = frame.iloc[train]
    if isinstance(frame.index, pandas().RangeIndex):  # rows that are only counted stay so
        kept = kept.set_axis(pandas().RangeIndex(len(kept), name=frame.index.name))
    space, report = fit(kept)
    return space, report, space.read(frame), train, held


def from_disk(path: Path, holdout: float | None, seed: int, settings: list[Any], fit: Fit) -> Loaded:
    """A Parquet file larger than memory: fitted on a sample of its training rows, encoded in the cache folder."""
    share = SHARE if holdout is None else holdout
    train, held = hold_out(rows_in(path), share, seed)
    return *streamed(path, train, [*settings, share, seed], fit), train, held


def fitted(
    frame: Any, *, target: str | None, metadata: dict[str, Any], rules: Sequence[str]
) -> tuple[Table, dict[str, Any]]:
    """The space of a DataFrame of training rows, and what was found of its columns.

    Raises InputError for too few rows, when no column can be modelled, and for an unknown target or constraint.
    """
    if len(frame) < 1 or not len(frame.columns):
        raise InputError(f"the table has {len(frame)} rows of {len(frame.columns)} columns to train on; give more")
    names = names_of(frame)
    said = hints(metadata, names)
    found = [
        detect(frame.iloc[:, i], name, label_of(label), said.get(name, Hint()))
        for i, (name, label) in enumerate(zip(names, frame.columns, strict=True))
    ]
    fields = tuple(one.field for one in found if one.field is not None)
    if not fields:
        raise InputError("no column can be modelled: all are ids, free text, empty or constant; give one that varies")
    modelled = [field.name for field in fields]
    if target is not None and target not in modelled:
        raise InputError(f"target '{target}' is no modelled column{nearest(target, modelled)}")
    layout = Layout.of(frame, (one.column for one in found))
    raw = layout.read(frame, fields)
    kept = tuple(parse(rule, fields, raw) for rule in rules)
    return Table(fields, layout, target, kept), {"columns": [told(one, len(frame)) for one in found]}


def told(one: Found, rows: int) -> dict[str, Any]:
    """What a report says of a column: its name and kind, the share of missing cells, the classes, a note."""
    field = one.field
    if field is None:
        return {"name": one.column.name, "kind": one.column.role, "note": one.note}
    missing = float(field.counts[-1]) / rows if field.missing else 0.0
    found = {"name": field.name, "kind": field.kind, "missing": missing, "note": one.note}
    return found | ({"classes": len(field.classes)} if field.classes else {"places": field.places})


def summary(report: dict[str, Any], counts: dict[str, int]) -> str:
    """One plain sentence about what was loaded."""
    kinds: dict[str, list[str]] = {}
    for column in report["columns"]:
        kinds.setdefault(column["kind"], []).append(column["name"])
    words = {"id": "made anew", "text": "left empty", "constant": "kept", "empty": "left empty"}
    modelled = [f"{len(names)} {kind}" for kind, names in kinds.items() if kind not in words]
    parts = [f"{counts['read']:,} rows of {len(report['columns'])} columns: {', '.join(modelled)}"]
    parts.append(f"{counts['train']:,} to train on, {counts['held_out']:,} held out")
    parts += [f"{kind} {', '.join(kinds[kind][:5])}: {word}" for kind, word in words.items() if kind in kinds]
    holes = [column["name"] for column in report["columns"] if column.get("missing")]
    parts += [f"missing values in {len(holes)} columns"] if holes else []
    parts += [f"{c['name']}: {c['note']}" for c in report["columns"] if c["note"] and c["kind"] not in words]
    return "; ".join(parts)


def fingerprint(space: Table, raw: np.ndarray) -> str:
    """A hash of the rows and what they mean, 32 hexadecimal digits."""
    found = hashlib.blake2b(json.dumps(space.config()).encode("utf-8", "surrogatepass"), digest_size=16)
    for start in range(0, len(raw), 1 << 20):
        found.update(np.ascontiguousarray(raw[start : start + (1 << 20)]).data)
    return found.hexdigest()
