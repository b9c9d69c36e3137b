"""The Fréchet distance against the peers' own functions: CPU seconds of one thread, pairs in alternation in one run.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/distance.py [--peers pytorch-fid …] [--pairs 3]

Features: 2048 units of a fixed random layer with ReLU on 5,000 pieces of 32×32 pixels of each of two real photographs.
"step": means and covariances are given, as the peers' functions take them. "whole": from the features on, the peers'
statistics by ``numpy.cov``. "difference": of the two values, relative. Appended to results/distance.csv. Needs: pip
install --no-deps pytorch-fid clean-fid torch-fidelity (a stand-in takes the place of torchvision, which these functions
do not use).
"""

import argparse
import importlib
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import ModuleSpec

import numpy as np
import torch
from record import append, machine
from sklearn.datasets import load_sample_images
from speed import paired
from threadpoolctl import threadpool_limits

from ganvas.metrics.frechet_distance import Moments, between, frechet_distance

Statistics = tuple[np.ndarray, np.ndarray]
Distance = Callable[[Statistics, Statistics], float]
BARS = {"pytorch-fid": 6.0, "clean-fid": 6.0, "torch-fidelity": 2.0}  # times faster that we have to be


class StandIn(type):
    """Whatever is asked for is one more empty class."""

    def __getattr__(cls, name: str) -> "StandIn":
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(name, (), {})


def peer(name: str) -> Distance:
    """The peer's own function of two pairs of mean [d] and covariance [d, d]."""
    for part in ("", ".datasets", ".transforms", ".transforms.functional"):
        module = f"torchvision{part}"
        sys.modules.setdefault(module, StandIn(module, (), {"__spec__": ModuleSpec(module, None)}))  # type: ignore[arg-type]
    if name == "torch-fidelity":
        fidelity = importlib.import_module("torch_fidelity.metric_fid")

        def distance(a: Statistics, b: Statistics) -> float:
            both = [dict(zip(("mu", "sigma"), s, strict=True)) for s in (a, b)]
            return fidelity.fid_statistics_to_metric(*both, verbose=False)[fidelity.KEY_METRIC_FID]

        return distance
    if name == "clean-fid":
        function = importlib.import_module("cleanfid.fid").frechet_distance
    else:
        function = importlib.import_module("pytorch_fid.fid_score").calculate_frechet_distance
    return lambda a, b: float(function(*a, *b))


def features(count: int, width: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    layer = torch.randn(32 * 32 * 3, width, generator=random) / (32 * 32 * 3) ** 0.5
    found = []
    for photo in load_sample_images().images:
        x = torch.randint(photo.shape[0] - 32, (count,), generator=random)
        y = torch.randint(photo.shape[1] - 32, (count,), generator=random)
        pieces = np.stack([photo[i : i + 32, j : j + 32] for i, j in zip(x, y, strict=True)])
        found.append(((torch.from_numpy(pieces).flatten(1) / 127.5 - 1) @ layer).relu())
    return found


def statistics(x: torch.Tensor) -> Statistics:
    return x.numpy().mean(0, dtype=np.float64), np.cov(x.numpy(), rowvar=False)


def measure(name: str, pairs: int, sets: list[torch.Tensor]) -> list[dict[str, object]]:
    theirs, (real, fake) = peer(name), sets
    given, (a, b) = [statistics(x) for x in sets], (Moments.of(real), Moments.of(fake))
    difference = abs(between(a, b) / theirs(*given) - 1)
    timed = {
        "step": paired(lambda: between(a, b), lambda: theirs(*given), pairs),
        "whole": paired(
            lambda: frechet_distance(real, fake), lambda: theirs(statistics(real), statistics(fake)), pairs
        ),
    }
    return [
        {
            "peer": name,
            "what": what,
            "rows": len(real),
            "columns": real.shape[1],
            **found,
            "bar": BARS[name] if what == "step" else "",
            "value": round(between(a, b), 6),
            "difference": f"{difference:.1e}",
            **machine(),
        }
        for what, found in timed.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="+", choices=list(BARS), default=list(BARS))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--columns", type=int, default=2048)
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers' own
    with threadpool_limits(1):
        for name in options.peers:
            for row in measure(name, options.pairs, features(options.rows, options.columns)):
                print(row, flush=True)
                if not options.dry:
                    append("distance.csv", row)


if __name__ == "__main__":
    main()
