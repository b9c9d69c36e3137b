"""InfoGAN on MNIST: do the classes of its code come to be the digits, without any label?

    python benchmarks/infogan.py --data mnist.npz [--seen 900000] [--seed 0] [-- FLAG VALUE …]

Protocol: train on the 60,000 training digits without labels, with the networks of the paper's experiment, 16 channels
wide (``infogan_nets.py``). The classifier of digit-recognizer-py 0.1.0 (extractor "mnist", 99 % on the test set) names
the digit of 10,000 samples of the averaged generator, 1,000 of each class of the code, seed 1. "accuracy" is the share
of samples with the digit of their class, under the best one-to-one assignment of classes to digits (Hungarian method).
"q_accuracy" is the same for what Q, at the end of the run, says of the 10,000 test digits. One row for each run is
appended to results/infogan.csv; "cpu_seconds" are those of the training.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mnist import number
from record import append, machine
from scipy.optimize import linear_sum_assignment

import ganvas as gan
from ganvas.game import Batch, Game
from ganvas.metrics.features import extractor

NETS = Path(__file__).parent / "infogan_nets.py"
SAMPLES = 10_000
BEST: dict[str, object] = {"width": 16, "latent": 62, "batch": 128}


def assigned(code: np.ndarray, digit: np.ndarray) -> float:
    """The share of pairs that the best one-to-one assignment of ten codes to ten digits gets right."""
    counts = np.zeros((10, 10))
    np.add.at(counts, (code, digit), 1)
    return float(counts[linear_sum_assignment(-counts)].sum() / counts.sum())


def read(run: gan.Run) -> tuple[float, int]:
    """The accuracy of a run's code, and how many digits it makes."""
    judge = extractor("mnist", run.space)
    names = []
    for start in range(0, SAMPLES, 500):
        which = range(start, start + 500)
        raw, _ = run.samples(which, seed=1, label=[{"code": i % 10, **numbers(i)} for i in which])
        names.append(judge.classify(judge.embed(raw)).argmax(1))
    digit = torch.cat(names).numpy()
    return assigned(np.arange(SAMPLES) % 10, digit), len(np.unique(digit))


def numbers(i: int) -> dict[str, float]:
    """The continuous codes of sample ``i``, uniform."""
    u = np.random.default_rng(i).uniform(-1, 1, 2)
    return {"c1": float(u[0]), "c2": float(u[1])}


def keeping(kept: dict[str, Game]) -> Callable[[int, Game, Mapping[str, Any] | None], None]:
    """A monitor that hands out the game."""

    def monitor(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
        kept["game"] = game

    return monitor


@torch.no_grad()
def said(game: Game, x: torch.Tensor) -> np.ndarray:
    """The class that Q names for each sample."""
    game.eval()
    D, Q = game.get_submodule("D"), game.get_submodule("Q")
    return torch.cat([Q(D.features(Batch(part)))[:, :10].argmax(1) for part in x.split(500)]).numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="mnist.npz")
    parser.add_argument("--seen", type=int, default=900_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where the run is written")
    options, rest = parser.parse_known_args()
    rest = [a for a in rest if a != "--"]
    given = {k.removeprefix("--").replace("-", "_"): number(v) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    flags = {**BEST, **given}
    scratch = Path(tempfile.mkdtemp())
    data = gan.images(options.data, labels="none", cache=scratch / "cache")
    kept: dict[str, Game] = {}
    begun = time.process_time()
    run = gan.train(
        data,
        run=(options.keep or scratch) / "run",
        game="infogan",
        net=str(NETS),
        seen=options.seen,
        seed=options.seed,
        monitors=[keeping(kept)],
        quiet=True,
        **flags,
    )
    spent = time.process_time() - begun
    with np.load(options.data) as arrays:
        x, y = data.space.encode(arrays["x_test"][..., None]), arrays["y_test"].astype(np.int64)
    accuracy, digits = read(gan.Run(run.path, NETS))
    row = {
        "seed": options.seed,
        "seen": run.progress.seen,
        "accuracy": round(accuracy, 4),
        "digits": digits,
        "q_accuracy": round(assigned(said(kept["game"], x), y), 4),
        "cpu_seconds": round(spent),
        "flags": " ".join(f"{k}={v}" for k, v in flags.items()),
        **machine(),
    }
    append("infogan.csv", row)
    print(row)


if __name__ == "__main__":
    main()
