"""Codes that were found for pictures, kept in an .npz for other experiments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import numbers
from ganvas.files import npz
from ganvas.layers.mapped import Mapped
from ganvas.run import Run
from ganvas.spaces.images.members import npz_file

MOST = 256  # codes in a file


@dataclass(frozen=True)
class Kept:
    """``codes`` [n, …] of pictures: what they are called, the raw ``samples`` [n, h, w, c], stored ``labels`` [n,
    columns] or None."""

    codes: Tensor
    names: list[str]
    samples: np.ndarray
    labels: np.ndarray | None = None

    def packed(self) -> bytes:
        """The bytes of an .npz with these arrays."""
        arrays = {"codes": self.codes.numpy(), "names": np.array(self.names), "samples": self.samples}
        return npz(**arrays, **({} if self.labels is None else {"labels": self.labels}))


def load(run: Run, source: str | Path, option: str) -> Kept:
    """What ``packed`` wrote for this run, ``FILE.npz``, or some of it, ``FILE.npz:0,3``. InputError for other files."""
    file, _, which = str(source).rpartition(":")
    file, which = (file, which) if file and which[:1].isdigit() else (str(source), "")
    path = Path(file).expanduser()
    if path.suffix.lower() != ".npz" or not path.is_file():
        raise InputError(f"{option} {source}: there is no such .npz; `ganvas explore RUN invert --keep …` makes it")
    found = npz_file(path)
    wanted = {"codes", "names", "samples"} | ({"labels"} if run.space.labels else set())
    if lacking := sorted(wanted - found.keys()):
        raise InputError(f"{path} lacks the arrays {', '.join(lacking)}; make it with invert --keep, from this run")
    arrays = {name: found[name].whole() for name in wanted}
    check(run, arrays, path)
    rows = np.array(numbers(which, option)) if which else np.arange(len(arrays["codes"]))
    if rows.max() >= len(arrays["codes"]):
        raise InputError(f"{option} {source}: {path} holds {len(arrays['codes'])} codes, numbered from 0")
    labels = arrays["labels"][rows].astype(np.float64) if "labels" in arrays else None
    codes = torch.from_numpy(arrays["codes"][rows].astype(np.float32))
    return Kept(codes, [str(arrays["names"][row]) for row in rows], arrays["samples"][rows], labels)


def check(run: Run, arrays: dict[str, np.ndarray], path: Path) -> None:
    """Raise InputError when arrays are not codes, pictures and labels of this run."""
    net, labels, codes = run.generator.net, run.space.labels, arrays["codes"]
    width = run.generator.prior.size + (labels.width if labels else 0)
    wanted = (net.layers, net.mapping.style) if isinstance(net, Mapped) else (width,)
    channels, *sides = run.space.shape
    count = len(codes) if codes.ndim else 0
    shapes = {"codes": (count, *wanted), "names": (count,), "samples": (count, *sides, channels)}
    shapes |= {"labels": (count, len(labels.columns))} if labels else {}
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if not 1 <= count <= MOST or wrong:
        told = ", ".join(f"{name} {list(arrays[name].shape)}" for name in wrong) or f"{count} codes"
        raise InputError(f"{path} holds {told}, which is not of {run.path}; make it with invert --keep, from this run")
    real = codes.dtype.kind == "f" and np.isfinite(codes).all() and arrays["samples"].dtype.kind == "u"
    if not real or (labels and not known(run, arrays["labels"])):
        raise InputError(f"{path} holds codes, samples or labels that {run.path} cannot have; make it again")


def known(run: Run, stored: np.ndarray) -> bool:
    """Whether stored labels [n, columns] are ones that the run knows."""
    assert run.space.labels is not None
    if stored.dtype.kind not in "iuf" or not np.isfinite(stored).all():
        return False
    whole = [len(column.classes) for column in run.space.labels.columns]
    pairs = zip(whole, stored.T, strict=True)
    return all(not n or bool(((v == v.round()) & (v >= 0) & (v < n)).all()) for n, v in pairs)
