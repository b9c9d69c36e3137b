"""How well inversion finds pictures again: samples of the run itself, and held-out real ones.

    python benchmarks/inversion.py --run RUN [--count 100] [--steps 200] [--starts 8]

Protocol: ``explore invert`` of the held-out pictures number 0 … count-1 of RUN's data and of RUN's own samples of these
numbers, each with its label where the run has labels; the latents of the samples are not told, and no draw is one of
them. "lpips" is the mean LPIPS (AlexNet, version 0.1) between target and inversion as stored (8 bits), "share" the
share up to .1; "lpips_chance" is the mean LPIPS of each target to the next one, for the scale. Two rows in
results/inversion.csv.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from record import append, machine

from ganvas.exploring import targets
from ganvas.exploring.invert import invert
from ganvas.exploring.perceptual import Eye, alike
from ganvas.run import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--out", type=Path, help="folder for the pages")
    options = parser.parse_args()
    torch.set_num_threads(1)
    run = Run(options.run)
    eye = Eye(run.space)
    count, out = options.count, options.out and options.out / f"{run.path.name}.png"
    told = invert(run, pictures=f"real:0-{count - 1}", starts=options.starts, steps=options.steps, out=out)
    real, made = targets.read(run, f"real:0-{count - 1}"), targets.made(run, list(range(count)))
    for kind, wanted, head in (("made", made.raw, "made_"), ("held-out", real.raw, "")):
        found = {name.removeprefix(head): value for name, value in told.items() if name.startswith(head)}
        row = {
            "data": run.info["data"]["name"],
            "game": run.info["game"].rpartition(":")[2],
            "net": run.config["net"].rpartition(":")[0].rpartition(".")[2],
            "seen": run.progress.seen,
            "encoder": run.encoder is not None,
            "targets": kind,
            "count": count,
            "lpips": found["lpips"],
            "lpips_worst": found["lpips_worst"],
            "share": found["share_found"],
            "psnr": found["psnr"],
            "squared_error": round(found["squared_error"], 5),
            "lpips_chance": round(float(alike(run.space, eye, wanted, np.roll(wanted, 1, 0)).mean()), 4),
            "starts": options.starts,
            "steps": options.steps,
            "seconds": found["seconds"],
            **machine(),
        }
        append("inversion.csv", row)
        print(row)


if __name__ == "__main__":
    main()
