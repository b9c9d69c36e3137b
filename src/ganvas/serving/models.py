"""Generators that are served: exported files, and runs, which are exported when they are loaded."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.latents import CHUNK

if TYPE_CHECKING:
    from ganvas.run import Run

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SIZES = (CHUNK, 1, 4, 8, 2, 32)  # batch sizes that are tried, in this order
TRIED = 32  # samples that are compared
PATIENCE = 10.0  # seconds that trying may take
FIGURES = ("frechet_distance", "kid", "precision", "recall", "density", "coverage", "label_accuracy", "quality", "c2st")


@dataclass(frozen=True)
class Served:
    """A generator under its ``name``. ``sizes`` are the batch sizes that may be used; ``run`` is the folder it comes
    from, ``figures`` what it was judged by, ``note`` why it does not run in ONNX Runtime."""

    name: str
    made: Exported
    sizes: tuple[int, ...]
    run: Run | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def about(self) -> dict[str, Any]:
        """What a client must know, as plain JSON."""
        space, labels = self.made.space, self.made.space.labels
        columns = [{"name": c.name, "classes": list(c.classes)} for c in labels.columns] if labels else []
        return {
            "name": self.name,
            "samples": type(space).__name__.lower(),
            "shape": list(space.shape),
            "labels": columns,
            "prior": {"size": self.made.prior.size, "kind": self.made.prior.kind},
            "truncation": self.made.about.get("truncation", "none"),
            "runtime": self.note or "ONNX Runtime",
            "batch_sizes": sorted(self.sizes),
            "editable": self.run is not None,
            "figures": self.figures,
        }


class Eager(Exported):
    """A run's generator in torch, for those that cannot be exported; in all else as an exported one."""

    def __init__(self, run: Run) -> None:
        from ganvas.exporting.graph import WHOLE, Shipped

        self.path, self.space, self.prior = run.path, run.space, run.generator.prior
        self.module = Shipped(run.generator, run.space).eval()
        self.about = {"truncation": self.module.kind, "whole": 1.0 if self.module.kind == "styles" else WHOLE}

    @cached_property
    def inputs(self) -> dict[str, int | None]:
        """As of an exported one."""
        labels = self.space.labels
        widths = {"z": self.prior.size, "truncation": None, "y": labels.width if labels else None}
        return {name: widths[name] for name in self.module.inputs}

    def _run(self, given: dict[str, np.ndarray]) -> np.ndarray:
        import torch

        told = {name: torch.from_numpy(value) for name, value in given.items()}
        with torch.no_grad():
            return self.space.decode(self.module.made(told["z"], told.get("y"), told.get("truncation")))


def load(models: Sequence[str], largest: int, trust: str | Path | None = None) -> dict[str, Served]:
    """The generators that are named, ``NAME=PATH`` or ``PATH`` of a run or an exported file, by name.

    Batches hold ``largest`` samples at the most. Raises InputError when one cannot be read, or two have one name.
    """
    if not models:
        raise InputError("name what to serve: ganvas serve RUN, or FILE.onnx, or NAME=PATH; several are possible")
    found: dict[str, Served] = {}
    for text in models:
        given, _, path = text.rpartition("=") if not Path(text).exists() else ("", "", text)
        one = read(given, Path(path), largest, trust)
        if one.name in found:
            raise InputError(f"two models are named '{one.name}'; give them names of their own: NAME={path}")
        found[one.name] = one
    return found


def read(name: str, path: Path, largest: int, trust: str | Path | None) -> Served:
    """One generator, under this name or that of its file or folder."""
    name = name or re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().stem if path.is_file() else path.resolve().name)
    if not NAME.fullmatch(name):
        raise InputError(f"'{name}' is no name for a model; use letters, digits and . _ -, 64 at most: NAME={path}")
    if path.is_file():
        made = Exported(path, threads())
        return Served(name, made, steady(made, largest))
    from ganvas.run import Run

    run = Run(path, trust)
    made, note = exported(run)
    sizes = (CHUNK,) if note else steady(made, largest)
    return Served(name, made, sizes, run, figures(path / "evaluation.json"), note)


def threads() -> int:
    """Threads of ONNX Runtime: OMP_NUM_THREADS where it is set, else one for each core."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() else 0


def exported(run: Run) -> tuple[Exported, str]:
    """A run's generator for ONNX Runtime; or in torch, and why."""
    from ganvas.exporting.onnx import onnx

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.onnx"
        try:
            onnx(run, out)
            return Exported(out, threads()), ""
        except (InputError, ImportError) as error:
            return Eager(run), f"torch, because it cannot be exported: {error}"


def figures(path: Path) -> dict[str, Any]:
    """The best known figures of an evaluation, and what they were compared with; nothing where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
        chosen = {name: found[name] for name in FIGURES if isinstance(found.get(name), float)}
        told = {k: found["protocol"].get(k) for k in ("extractor", "n_real", "n_fake", "split", "seed")}
        return {"against": found["against"], **chosen, "protocol": told}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def steady(made: Exported, largest: int) -> tuple[int, ...]:
    """Batch sizes up to ``largest`` whose samples are, bit for bit, those of CHUNK, wherever a sample stands in its
    batch. Where there is none, one sample at a time."""
    given, _ = made.feed(0, range(TRIED))
    moved, begun, found = np.random.default_rng(0).permutation(TRIED), time.perf_counter(), []
    expected = floats(made, given, CHUNK)[moved]
    given = {name: value[moved] for name, value in given.items()}
    for size in [size for size in SIZES if size <= largest]:
        if np.array_equal(floats(made, given, size), expected, equal_nan=True):
            found.append(size)
        if time.perf_counter() - begun > PATIENCE:
            break
    return tuple(found) or (1,)


def floats(made: Exported, given: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Encoded samples, made ``size`` at a time."""
    starts = range(0, TRIED, size)
    parts = [{name: value[start : start + size] for name, value in given.items()} for start in starts]
    return np.concatenate([made.session.run(["x"], part)[0] for part in parts])
