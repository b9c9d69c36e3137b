"""Do labelled directions do what they say? Every class of a data set, in runs with and without labels.

    python benchmarks/directions.py digits --minutes 1 [--labels none] [--net dcgan] [--strength 3]
    python benchmarks/directions.py mnist.npz --minutes 6 --labels none

Protocol: train the default recipe; for each class, `ganvas explore RUN directions --by COLUMN=CLASS`: a probe of 2,000
samples, tested on 400 others, which are moved by ``strength`` standard deviations towards the class, or away from it
where they show it. "follows" is the share whose probability moves as asked, as a classifier of the real training
samples reads it; "turns" the share that it then reads as asked; "random" the first share when each sample moves along a
random direction of its own. One row for each class, then their mean. Appended to benchmarks/results/directions.csv.
"""

import argparse
import tempfile
from pathlib import Path

from record import append, machine

import ganvas as gan

FIGURES = ("share", "reader_accuracy", "probe_accuracy", "follows", "turns", "random_follows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--labels")
    parser.add_argument("--strength", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", help="an existing run, instead of training one")
    known = parser.parse_args()
    path = Path(known.run or Path(tempfile.mkdtemp()) / "run")
    if not known.run:
        given = {} if known.labels is None else {"labels": known.labels}
        gan.train(known.data, run=path, minutes=known.minutes, seed=known.seed, **given)
    run = gan.Run(path)
    data = gan.digits() if known.data == "digits" else gan.images(known.data)
    column = data.space.labels.columns[0]
    rows = []
    for name in column.classes:
        by = f"{column.name}={name}"
        found = gan.explore(run, "directions", by=by, strength=known.strength)
        rows.append([found[figure] for figure in FIGURES])
        print(by, dict(zip(FIGURES, rows[-1], strict=True)), flush=True)
        record(run, known, by, rows[-1])
    record(run, known, "mean", [sum(values) / len(values) for values in zip(*rows, strict=True)])


def record(run: gan.Run, known: argparse.Namespace, by: str, figures: list[float]) -> None:
    append(
        "directions.csv",
        {
            "data": Path(known.data).stem,
            "conditional": run.space.labels is not None,
            "net": run.config["net"].split(":")[0].split(".")[-1],
            "seen": run.progress.seen,
            "seed": known.seed,
            "strength": known.strength,
            "direction": by,
            **{name: round(value, 4) for name, value in zip(FIGURES, figures, strict=True)},
            **machine(),
        },
    )


if __name__ == "__main__":
    main()
