"""One hundred pictures: does augmentation help, and does the sign of overfitting agree?

    python benchmarks/few.py --data emoji64_google_twitter.npz [--policies none diffaugment ada] [--seeds 0 1 2]

Protocol: 100 emoji of one font, chosen with seed 0, on white, 32×32 RGB; 1,000 others are held out. R3GAN with the net
dcgan, so many samples seen. Afterwards: KID between 1,000 samples of the averaged generator, seed 1, and the held-out
emoji, in the features of efficientnet-lite0; "overfit", in how many pairs D scores a training picture above a held-out
one (1/2 is right), is the run's own figure at its last checkpoint; p is ADA's at the end. "kid_train" is the KID of the
100 training pictures themselves against the held-out ones. One row each in results/few.csv.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from mnist import number
from PIL import Image
from record import append, machine
from safetensors.torch import load_file

import ganvas as gan
from ganvas.metrics.features import extractor, features
from ganvas.metrics.kid import kid
from ganvas.training.checkpoints import latest

FLAGS = {"game": "r3gan", "net": "dcgan", "width": 32, "latent": 64, "gamma": 1.0, "gamma_start": 10.0, "lr": 1e-3}
POLICIES: dict[str, dict[str, object]] = {
    "none": {},
    "diffaugment": {"augment": "diffaugment"},
    "ada": {"augment": "ada"},
}


def prepared(source: Path, place: Path) -> Path:
    """100 emoji to train on and 1,000 others, as .npz."""
    with np.load(source) as found:
        chosen = found["google"][np.random.default_rng(0).permutation(len(found["google"]))[:1100]]
    white = Image.new("RGBA", chosen.shape[1:3], "white")
    small = [Image.alpha_composite(white, Image.fromarray(p)).convert("RGB").resize((32, 32), 4) for p in chosen]
    pictures = np.stack([np.asarray(p) for p in small])
    np.savez(place / "emoji.npz", x_train=pictures[:100], x_test=pictures[100:])
    return place / "emoji.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--policies", nargs="+", choices=list(POLICIES), default=list(POLICIES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seen", type=int, default=300_000)
    parser.add_argument("--keep", type=Path, help="where the runs are written")
    parser.add_argument("--dry", action="store_true", help="print only")
    options, rest = parser.parse_known_args()
    rest = [a for a in rest if a != "--"]
    given = {k.removeprefix("--").replace("-", "_"): number(v) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    torch.set_num_threads(1)
    scratch = Path(tempfile.mkdtemp())
    data = gan.images(prepared(options.data, scratch), cache=scratch / "cache")
    judge = extractor("efficientnet-lite0", data.space)
    held, known = (features(judge, [rows.raw[rows.index]]) for rows in (data.held_out, data.train))
    copied = kid(held, known)
    for seed in options.seeds:
        for policy in options.policies:
            begun, flags = time.perf_counter(), {**FLAGS, **POLICIES[policy], **given}
            place = (options.keep or scratch) / f"{policy}-{seed}"
            run = gan.train(data, run=place, seed=seed, seen=options.seen, quiet=True, threads=1, **flags)
            found = kid(held, features(judge, [run.samples(range(1000), seed=1)[0]]))
            newest = latest(run.path / "state")
            state = load_file(newest / "weights.safetensors") if newest else {}
            row = {
                "policy": policy,
                "seed": seed,
                "seen": run.progress.seen,
                "kid": round(found.value, 5),
                "kid_train": round(copied.value, 5),
                "overfit": run.scores[-1]["overfit"],
                "auc": run.log[-1]["D.auc"],
                "p": round(float(state.get("game.D.augment.p", torch.zeros(()))), 3),
                "seconds": round(time.perf_counter() - begun, 1),
                "flags": " ".join(f"{k}={v}" for k, v in flags.items()),
            }
            print(row, flush=True)
            if not options.dry:
                append("few.csv", {**row, **machine()})


if __name__ == "__main__":
    main()
