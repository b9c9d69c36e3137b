"""Modes covered on the ring of 8 and the grid of 25, the same nets and budget for every game.

    python benchmarks/modes.py [--data ring grid] [--games gan r3gan …] [--seeds 0 1 2] [--seen N] [-- FLAG VALUE …]

Protocol: fully connected players (3 hidden layers of 256), batch 256, 2-d normal mixtures of known density; 10,000
samples of the averaged generator, seed 1. "modes" counts modes that at least 20 samples fall within 3 sigma of (one in
500); "good" is the share of all samples within 3 sigma of a mode; "reverse_kl" is KL(modes of the good samples ‖
uniform). A run that breaks down is judged by its last checkpoint. Appended to results/modes.csv.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mnist import number
from record import append, machine

import ganvas as gan

SHARED = {"net": "mlp", "hidden": 256, "layers": 3, "batch": 256, "latent": 4}
BEST: dict[str, dict[str, object]] = {  # what suits each game here; a name before ":" is the game's
    "gan": {"lr": 1e-3},
    "gan:r1": {"lr": 1e-3, "r1": 0.02},  # the penalty that two of the others lean on, alone
    "gan:minibatch": {"minibatch": "discrimination", "lr": 5e-4, "r1": 0.02},
    "unrolled": {"lr": 3e-4, "unroll": 3, "unroll_lr": 0.01, "r1": 0.02},
    "wgan": {},
    "wgan_gp": {"gp_weight": 0.1, "lr": 1e-3, "critic_moves": 1},
    "r3gan": {"gamma": 0.01, "gamma_start": 0.2, "lr": 2e-3, "ema": 100_000},
}


def measure(data: str, game: str, seed: int, seen: int, flags: dict[str, object]) -> dict[str, object]:
    begun = time.perf_counter()
    how = {**SHARED, **BEST[game], **flags}
    kind = game.partition(":")[0]
    place = Path(tempfile.mkdtemp()) / "run"
    with contextlib.suppress(gan.DivergedError):  # then the last healthy checkpoint counts, and "seen" says so
        gan.train(data, game=kind, run=place, seed=seed, seen=seen, quiet=True, threads=1, **how)
    run = gan.Run(place)
    points, _ = run.samples(range(10_000), seed=1)
    which, good = run.space.modes(points)  # type: ignore[attr-defined]
    counts = np.bincount(which[good], minlength=len(run.space.centres))  # type: ignore[attr-defined]
    share = counts[counts > 0] / max(counts.sum(), 1)
    return {
        "data": data,
        "game": game,
        "seed": seed,
        "seen": run.progress.seen,
        "modes": int((counts >= 20).sum()),
        "of": len(counts),
        "good": round(float(good.mean()), 4),
        "reverse_kl": round(float((share * np.log(share * len(counts))).sum()), 4),
        "seconds": round(time.perf_counter() - begun, 1),
        "flags": " ".join(f"{k}={v}" for k, v in {**BEST[game], **flags}.items()) or "the game's own",
        **machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["ring", "grid"])
    parser.add_argument("--games", nargs="+", default=list(BEST))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--seen", type=int, default=4_000_000)
    parser.add_argument("--dry", action="store_true", help="print only")
    options, rest = parser.parse_known_args()
    rest = [a for a in rest if a != "--"]
    flags = {k.removeprefix("--").replace("-", "_"): number(v) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    torch.set_num_threads(1)
    for seed in options.seeds:
        for data in options.data:
            for game in options.games:
                row = measure(data, game, seed, options.seen, flags)
                print(row, flush=True)
                if not options.dry:
                    append("modes.csv", row)


if __name__ == "__main__":
    main()
