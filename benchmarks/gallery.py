"""Every game and every net learns MNIST: the same data and budget, a Fréchet distance and a picture for its page.

    python benchmarks/gallery.py --data mnist.npz [--say] [--only game:acgan net:biggan …] [--seed 0] [--seen N]

Protocol: conditional MNIST 28×28 (labels where the game is told any), so many samples seen; 5,000 samples of the
averaged generator, seed 1, against the 10,000 test digits: Fréchet distance of the 256 activations of the classifier of
digit-recognizer-py 0.1.0 (extractor "mnist"). Games play with the net dcgan (width 16) unless their paper brings its
own; nets are played by the game of their paper, or by R3GAN, at small widths. So the figures say that each learns, not
which is best: the budget is small and the flags are what was tried first. One row each in results/gallery.csv; the
pictures go to docs/pictures.
"""

import argparse
import csv
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import RESULTS, append, machine

import ganvas as gan
from ganvas.metrics.features import extractor, features
from ganvas.metrics.frechet_distance import Moments, between
from ganvas.monitors.samples import grid

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs" / "pictures"
DCGAN = {"net": "dcgan", "width": 16, "latent": 64}
SMOOTH = {"gamma": 0.5, "gamma_start": 0.5, "lr": 2e-3}  # R3GAN's flags for small digits
FLAT = {"r1": 0.5, "lr": 1e-3}  # what lets games without a penalty of their own learn as fast
STYLES = {"width": 16, "most": 32, "latent": 64, "G.mapping": 2}
LAZY = {"r1": 1.0, "lazy": 4, "lr": 1e-3}
ENTRIES: dict[str, dict[str, Any]] = {
    "game:gan": {"game": "gan", **DCGAN, **FLAT},
    "game:wgan": {"game": "wgan", **DCGAN, "clip_weights": 0.05, "critic_moves": 2, "lr": 5e-4},
    "game:wgan_gp": {"game": "wgan_gp", **DCGAN, "critic_moves": 2, "lr": 1e-3},
    "game:r3gan": {"game": "r3gan", **DCGAN, **SMOOTH},
    "game:acgan": {"game": "acgan", **DCGAN, **FLAT},
    "game:infogan": {"game": "infogan", **DCGAN, **FLAT},
    "game:unrolled": {"game": "unrolled", **DCGAN, **FLAT, "unroll": 2, "unroll_lr": 0.01},
    "game:began": {"game": "began", **DCGAN, "lr": 5e-4},
    "game:ebgan": {"game": "ebgan", **DCGAN, "lr": 5e-4},
    "game:bigan": {"game": "bigan", **DCGAN, "lr": 1e-3, "r1": 0.05, "J.units": 1024},
    "game:vae": {"game": "vae", **DCGAN, "lr": 1e-3},
    "game:vae_gan": {"game": "vae_gan", **DCGAN, "critic_norm": "batch", "gamma": 0.01, "lr": 5e-4},
    "game:progressive": {"game": "progressive", "net": "progressive", "width": 32, "latent": 64},
    "game:fastgan": {"game": "fastgan", "net": "fastgan", "width": 16, "latent": 64},
    "net:mlp": {"game": "r3gan", "net": "mlp", "latent": 64, "hidden": 512, **SMOOTH, "lr": 5e-4},
    "net:dcgan": {"game": "r3gan", **DCGAN, **SMOOTH},
    "net:resnet": {"game": "gan", "loss": "hinge", "net": "resnet", "width": 32, "latent": 64, "lr": 5e-4},
    "net:biggan": {"game": "gan", "loss": "hinge", "net": "biggan", "width": 8, "latent": 60, "lr": 5e-4},
    "net:progressive": {"game": "r3gan", "net": "progressive", "width": 32, "latent": 64, **SMOOTH},
    "net:stylegan2": {"game": "gan", "net": "stylegan2", **STYLES, **LAZY, "path_length": 2.0},
    "net:stylegan3": {"game": "gan", "net": "stylegan3", **STYLES, **LAZY, "layers": 6},
    "net:r3gan": {"game": "r3gan", "net": "r3gan", "width": 64, "latent": 64, **SMOOTH, "lr": 5e-4},
    "net:fastgan": {"game": "r3gan", "net": "fastgan", "width": 16, "latent": 64, **SMOOTH, "lr": 5e-4},
}


def say(entry: str, row: dict[str, str]) -> None:
    """Write a row's figure into the docstring of its game or net, and its picture into the page."""
    kind, _, name = entry.partition(":")
    source = ROOT / "src" / "ganvas" / f"{kind}s" / f"{name}.py"
    text = re.sub(r"\n\nMeasured: [^\n]*(?=\n?\"\"\")", "", source.read_text("utf-8"), count=1)
    told = f"Measured: Fréchet distance {row['frechet']} on MNIST after {int(row['seen']):,} samples, small and short"
    first, _, rest = text.removeprefix('"""').partition('"""')
    source.write_text(f'"""{first.rstrip()}\n\n{told} (benchmarks/gallery.py).\n"""{rest}', "utf-8")
    page = ROOT / "docs" / (f"{name}.md" if kind == "game" else f"nets/{name}.md")
    shown = f"![samples]({'' if kind == 'game' else '../'}pictures/{kind}_{name}.png)"
    if shown not in page.read_text("utf-8"):
        page.write_text(f"{page.read_text('utf-8').rstrip()}\n\n{shown}\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="mnist.npz")
    parser.add_argument("--only", nargs="+", choices=list(ENTRIES), default=list(ENTRIES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seen", type=int, default=150_000)
    parser.add_argument("--dry", action="store_true", help="no row, no picture for the docs")
    parser.add_argument("--say", action="store_true", help="only write known figures into docstrings and pages")
    options = parser.parse_args()
    if options.say:
        with open(RESULTS / "gallery.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                say(row["entry"], row)
        return
    torch.set_num_threads(1)
    scratch = Path(tempfile.mkdtemp())
    data = gan.images(options.data, cache=scratch / "cache")
    judge = extractor("mnist", data.space)
    real = Moments.of(features(judge, [data.held_out.raw[data.held_out.index]]))
    for name in options.only:
        begun = time.perf_counter()
        place = scratch / name.replace(":", "_")
        flags = ENTRIES[name]
        run = gan.train(data, run=place, seed=options.seed, seen=options.seen, threads=1, quiet=True, **flags)
        seconds = time.perf_counter() - begun
        made = np.concatenate([run.samples(range(i, i + 500), seed=1)[0] for i in range(0, 5000, 500)])
        distance = float(between(Moments.of(features(judge, [made])), real))
        row = {
            "entry": name,
            "frechet": round(distance, 1),
            "seen": run.progress.seen,
            "seed": options.seed,
            "seconds": round(seconds, 1),
            "flags": " ".join(f"{k}={v}" for k, v in flags.items()),
            **machine(),
        }
        print(row, flush=True)
        picture = grid(run.generator, run.space, seed=1)
        if options.dry:
            picture.save(scratch / f"{name}.png")
            print(scratch / f"{name}.png")
        else:
            append("gallery.csv", row)
            picture.save(DOCS / f"{name.replace(':', '_')}.png", optimize=True)


if __name__ == "__main__":
    main()
