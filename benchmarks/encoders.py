"""Four games side by side on MNIST: samples, and what an encoder makes of real digits.

    python benchmarks/encoders.py --data mnist.npz [--only gan,vae] [--seen 500000] [--seed 0]

Protocol: the same networks (dcgan, 16 channels wide, 16 latents), batch 64 and as many samples seen; each game with the
flags named in the row, found in a few short tries. 60,000 training digits without labels. "frechet": 10,000 samples of
the averaged generator, seed 1, against the 10,000 test digits, in the features of the classifier of digit-recognizer-py
0.1.0 (extractor "mnist"). "mse": mean squared error of the test digits rebuilt by E and the averaged G, of values in
[-1, 1]; "kept": how many keep the class that the classifier reads in the digit itself. Codes of VAE and VAE/GAN are the
means; E is that of the last round, in eval mode. A GAN has no encoder: its "mse" and "kept" are none.
One row for each game is appended to results/encoders.csv.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import append, machine

import ganvas as gan
from ganvas.game import Batch, Game
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import extractor
from ganvas.metrics.frechet_distance import frechet_distance

NETS: dict[str, object] = {"net": "dcgan", "width": 16, "latent": 16, "batch": 64}
GAMES: dict[str, dict[str, object]] = {
    "gan": {"lr": 1e-3, "r1": 0.05},
    "bigan": {"lr": 1e-3, "r1": 0.05, "J.units": 1024},
    "vae": {},
    "vae_gan": {"lr": 5e-4, "critic_norm": "batch", "gamma": 0.01},
}
STEP = 500


def keeping(kept: dict[str, Game]) -> Callable[[int, Game, Mapping[str, Any] | None], None]:
    """A monitor that hands out the game."""

    def monitor(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
        kept["game"] = game

    return monitor


def seen(judge: Extractor, pictures: np.ndarray) -> torch.Tensor:
    """Features [n, 256]."""
    return torch.cat([judge.embed(pictures[i : i + STEP]) for i in range(0, len(pictures), STEP)])


@torch.no_grad()
def rebuilt(run: gan.Run, game: Game, x: torch.Tensor) -> torch.Tensor:
    """The digits by way of their codes."""
    E, G = game.get_submodule("E").eval(), run.generator
    return torch.cat([G(E(Batch(part))[:, : G.prior.size]) for part in x.split(STEP)])


def measure(name: str, data: Any, test: np.ndarray, options: argparse.Namespace) -> dict[str, object]:
    kept: dict[str, Game] = {}
    flags = NETS | GAMES[name]
    begun = time.process_time()
    run = gan.train(
        data,
        run=Path(tempfile.mkdtemp()) / name,
        game=name,
        seen=options.seen,
        seed=options.seed,
        monitors=[keeping(kept)],
        quiet=True,
        **flags,
    )
    spent = time.process_time() - begun
    judge = extractor("mnist", data.space)
    truth = seen(judge, test)
    raw = np.concatenate([run.samples(range(i, i + STEP), seed=1)[0] for i in range(0, 10_000, STEP)])
    row: dict[str, object] = {
        "game": name,
        "seed": options.seed,
        "seen": run.progress.seen,
        "frechet": round(frechet_distance(truth, seen(judge, raw)), 2),
        "mse": "none",
        "kept": "none",
    }
    if "E" in kept["game"].players():
        x = data.space.encode(test)
        again = rebuilt(run, kept["game"], x)
        read = [judge.classify(f).argmax(1) for f in (truth, seen(judge, data.space.decode(again)))]
        row |= {
            "mse": round(float((again - x).square().mean()), 4),
            "kept": round(float((read[0] == read[1]).float().mean()), 4),
        }
    return row | {"cpu_seconds": round(spent), "flags": " ".join(f"{k}={v}" for k, v in flags.items()), **machine()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="mnist.npz")
    parser.add_argument("--only", default=",".join(GAMES))
    parser.add_argument("--seen", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = gan.images(options.data, labels="none", cache=Path(tempfile.mkdtemp()))
    with np.load(options.data) as arrays:
        test = arrays["x_test"][..., None]
    for name in options.only.split(","):
        row = measure(name, data, test, options)
        append("encoders.csv", row)
        print(row, flush=True)


if __name__ == "__main__":
    main()
