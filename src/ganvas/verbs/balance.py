"""Say whether balancing the classes of a table helps, and write the balanced table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.files import write_file
from ganvas.metrics.tables.trees import boosted, features
from ganvas.rows import rows
from ganvas.space import Data, Rows
from ganvas.spaces.tables.library import pandas
from ganvas.spaces.tables.loading import tables
from ganvas.spaces.tables.reading import open_source
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.writing import written
from ganvas.verbs.train import train

COST, PASSES, BATCH = 250_000, 30, 128  # training rows at most, times the tokens; passes over the rows; a batch
UNITS = 40  # of the network: it has few rounds to learn in
JUDGED, FOLDS = 0.3, 3  # share of the rows that judges; parts of the others that choose a threshold
TREES = (
    50,
    15,
)  # that judge, and their leaves: with a rare class they rank as well as more of them, in a third of the time
GAIN, SURE = 0.005, 2.0  # of the average precision: less is no gain, nor are fewer standard errors
RESAMPLES = 100  # of the bootstrap
NEIGHBOURS = 5  # of SMOTE


def balance(
    source: Any, *, target: str, out: str | Path | None = None, rare: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Compare untouched rows, SMOTENC's and made ones on an inner split; say what to do; returns the figures.

    Boosted trees learn from 70 % of the rows, untouched or with the rare class made as frequent as the others together,
    and are judged by the other 30 %: average precision, F1 at a threshold chosen without them, Brier score.

    Args:
        source: the table.
        target: the column of the classes.
        out: write the table with rows made of the rare class, whatever is advised: .csv, .parquet …
        rare: the class to make more of (default: the rarest).
        seed: of the split, the training and what is drawn.

    Raises:
        InputError: the table cannot be read, or its target has no rare class.
    """
    frame, _ = open_source(source)
    data = tables(frame, target=target, holdout=0.0, seed=seed)
    space, raw = data.space, np.asarray(data.train.raw)
    assert isinstance(space, Table)
    at = place(space, target)
    code = chosen(space, raw, at, rare)
    part, judge, which = parted(frame, data, (at, code), seed)
    inner, real = part.space, np.asarray(part.train.raw)
    assert isinstance(inner, Table)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "untouched": lambda: real,
        "smotenc": lambda: smotenc(inner, real, *which, seed),
        "ganvas": lambda: np.concatenate([real, made(part, real, *which, seed)]),
    }
    figures, told = {}, {}
    for name, way in ways.items():
        if len(found := way()):
            figures[name], told[name] = figures_of(inner, found, judge, which, len(real), seed)
            noise = spread(judge[:, which[0]] == which[1], told[name], told["untouched"], seed)
            figures[name]["noise"] = noise
    known = raw[~np.isnan(raw[:, at])]
    report = {"target": target, "rare": space.fields[at].classes[code], "share": float((known[:, at] == code).mean())}
    report |= {"figures": figures, "advice": advice(figures)}
    if out is not None:
        write_balanced(data, known, (at, code), seed, (frame, Path(out)))
        report["out"] = str(out)
    return report


def place(space: Table, target: str) -> int:
    """The number of the target's field."""
    return next(j for j, field in enumerate(space.fields) if field.name == target)


def parted(frame: Any, data: Data, which: tuple[int, int], seed: int) -> tuple[Data, np.ndarray, tuple[int, int]]:
    """The rows of ``frame`` that are learnt from, as data of their own; raw rows that judge; field and class in these.

    The space is fitted to the rows learnt from alone: nothing is known of the others, not even their bounds and
    classes. Rows without a target are left out.
    """
    raw, (at, code) = np.asarray(data.train.raw), which
    assert isinstance(data.space, Table)
    field, kept = data.space.fields[at], np.flatnonzero(~np.isnan(raw[:, at]))
    learnt, judged = (frame.iloc[kept[rows]] for rows in split(raw[kept, at] == code, seed))
    part = tables(learnt, target=field.name, metadata={field.name: field.kind}, holdout=0.0, seed=seed)
    assert isinstance(part.space, Table)
    at = place(part.space, field.name)
    return part, part.space.read(judged), (at, part.space.fields[at].classes.index(field.classes[code]))


def chosen(space: Table, raw: np.ndarray, at: int, rare: str | None) -> int:
    """The class to make more of. Raises InputError for a target without one, or an unknown one."""
    field = space.fields[at]
    counts = np.bincount(raw[:, at].astype(np.int64), minlength=field.bins) if field.classes else np.zeros(1)
    if not field.classes or (counts > 0).sum() < 2:
        raise InputError(f"target '{field.name}' has no classes to balance; name a column with two or more")
    if rare is not None and rare not in field.classes:
        raise InputError(f"no class '{rare}' of {field.name}; known: {', '.join(field.classes[:9])}")
    code = int(np.where(counts > 0, counts, np.inf).argmin()) if rare is None else field.classes.index(rare)
    if counts[code] < 2 * FOLDS:
        raise InputError(f"class '{field.classes[code]}' has {int(counts[code])} rows; {2 * FOLDS} or more are needed")
    if 2 * counts[code] >= len(raw):
        raise InputError(f"class '{field.classes[code]}' is not rare: {int(counts[code])} of {len(raw)} rows")
    return code


def split(positive: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the rows that are learnt from, and of those that judge: of both classes the same share."""
    random = np.random.default_rng(seed)
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for which in (positive, ~positive):
        order = random.permutation(np.flatnonzero(which))
        edge = round(JUDGED * len(order))
        parts[0].append(order[edge:])
        parts[1].append(order[:edge])
    return np.sort(np.concatenate(parts[0])), np.sort(np.concatenate(parts[1]))


def made(data: Data, raw: np.ndarray, at: int, code: int, seed: int) -> np.ndarray:
    """Raw rows of the rare class, learnt from all: as many as make it as frequent as the others together."""
    space, count = data.space, lacking(raw, at, code)
    assert isinstance(space, Table)
    batch = min(BATCH, max(8, len(raw) // 4))
    seen = max(batch, min(PASSES * len(raw), COST // len(space.tokens)))
    part = Data(data.name, space, Rows(raw, None, np.arange(len(raw))), Rows(raw, None, np.arange(0)), data.fingerprint)
    how: dict[str, Any] = {
        "patient": 0,
        "warm": 1.0,
        "G.units": UNITS,
        "batch": batch,
        "seen": seen,
        "checkpoint_every": 2 + seen // batch,
    }
    with tempfile.TemporaryDirectory() as scratch:
        run = train(part, game="taegan", net="masked", run=Path(scratch) / "run", seed=seed, quiet=True, **how)
        known = np.full((count, len(space.fields)), np.nan)
        known[:, at] = code
        name = space.plain.column(space.fields[at].name).label
        return rows(run, range(count), seed, known=space.frame(known)[[name]])


def smotenc(space: Table, raw: np.ndarray, at: int, code: int, seed: int) -> np.ndarray:
    """The rows and those that SMOTENC makes of the rare class (Chawla et al. 2002); none without imbalanced-learn."""
    try:
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
    except ImportError:
        return raw[:0]
    classes = np.delete(np.array(space.discrete), at)
    x, y = np.delete(raw, at, 1), raw[:, at] == code
    usual = [
        np.bincount(v[~np.isnan(v)].astype(int)).argmax() if c else np.nanmedian(v)
        for v, c in zip(x.T, classes, strict=True)
    ]
    x = np.where(np.isnan(x), usual, x)
    how = {"random_state": seed, "k_neighbors": min(NEIGHBOURS, int(y.sum()) - 1)}
    if classes.all():
        maker = SMOTEN(**how)
    else:
        maker = SMOTENC(np.flatnonzero(classes).tolist(), **how) if classes.any() else SMOTE(**how)
    found, positive = maker.fit_resample(x, y)
    fresh = np.insert(found[len(x) :], at, code, axis=1)
    assert positive[len(x) :].all()
    return np.concatenate([raw, fresh])


def lacking(raw: np.ndarray, at: int, code: int) -> int:
    """How many rows of the rare class make it as frequent as the others together."""
    return len(raw) - 2 * int((raw[:, at] == code).sum())


def figures_of(
    space: Table, raw: np.ndarray, judge: np.ndarray, which: tuple[int, int], real: int, seed: int
) -> tuple[dict[str, float], np.ndarray]:
    """Average precision, F1 and Brier score on ``judge`` of trees that learnt from ``raw``, whose first ``real`` rows
    are real, and their probabilities [judges]; the threshold of F1 is chosen by cross-validation over the real rows."""
    from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

    at, code = which
    flags = np.delete(np.array(space.discrete), at)
    (x, asked), categorical = features([np.delete(part, at, 1) for part in (raw, judge)], flags)
    y, truth = raw[:, at] == code, judge[:, at] == code

    def chances(learn: np.ndarray, ask: np.ndarray) -> np.ndarray:
        return boosted(x[learn], y[learn], categorical, True, seed, TREES).predict_proba(ask)[:, 1]

    folds, inner = np.random.default_rng(seed).permutation(real) % FOLDS, np.zeros(real)
    for fold in range(FOLDS):
        learn = np.ones(len(x), bool)
        learn[:real] = folds != fold
        inner[folds == fold] = chances(learn, x[:real][folds == fold])
    threshold = best_threshold(inner, y[:real])
    told = chances(np.ones(len(x), bool), asked)
    found = {
        "average_precision": float(average_precision_score(truth, told)),
        "f1": float(f1_score(truth, told >= threshold)),
        "f1_at_half": float(f1_score(truth, told >= 0.5)),
        "brier": float(brier_score_loss(truth, told)),
        "threshold": threshold,
    }
    return found, told


def spread(truth: np.ndarray, one: np.ndarray, other: np.ndarray, seed: int) -> float:
    """The standard error of the difference of two average precisions on the same rows, by the bootstrap."""
    random, n, found = np.random.default_rng(seed), len(truth), []
    for _ in range(RESAMPLES):
        often = np.bincount(random.integers(0, n, n), minlength=n)
        if often[truth].any():
            found.append(precision(truth, one, often) - precision(truth, other, often))
    return float(np.std(found))


def precision(truth: np.ndarray, told: np.ndarray, often: np.ndarray) -> float:
    """The average precision of probabilities ``told`` [n] when each row comes as ``often`` [n] as that."""
    order = np.argsort(-told, kind="stable")
    last = np.append(told[order][1:] != told[order][:-1], True)  # of rows that are told the same
    rows, found = (np.cumsum(count[order])[last] for count in (often, often * truth))
    return float((np.diff(found, prepend=0) * found / np.maximum(rows, 1)).sum() / found[-1])


def best_threshold(chance: np.ndarray, truth: np.ndarray) -> float:
    """The threshold of the best F1."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(truth, chance)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[f1[:-1].argmax()])


def advice(figures: dict[str, dict[str, float]]) -> str:
    """What the figures say, in a sentence."""
    plain = figures["untouched"]
    gains = {n: f["average_precision"] - plain["average_precision"] for n, f in figures.items() if n != "untouched"}
    best = max(gains, key=lambda name: gains[name])
    if gains[best] <= max(GAIN, SURE * figures[best]["noise"]):
        return (
            f"do not resample, move the threshold: to {plain['threshold']:.2g}, which gives an F1 of {plain['f1']:.3f}"
            f" instead of {plain['f1_at_half']:.3f}; no rows made raise the average precision of"
            f" {plain['average_precision']:.3f} beyond what chance does (best: {best}, {gains[best]:+.3f}"
            f" ± {figures[best]['noise']:.3f})"
        )
    return (
        f"resample with {best}: the average precision rises by {gains[best]:.3f} to"
        f" {figures[best]['average_precision']:.3f}; check it on rows of your own, one split is little evidence"
    )


def write_balanced(data: Data, raw: np.ndarray, which: tuple[int, int], seed: int, into: tuple[Any, Path]) -> None:
    """The table as it was, and below it rows made of the rare class."""
    space, (frame, out) = data.space, into
    assert isinstance(space, Table)
    fresh = space.frame(made(data, raw, *which, seed), start=len(data.train.raw))
    write_file(out, written(pandas().concat([frame, fresh], ignore_index=True), out))
