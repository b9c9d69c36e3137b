"""Small picture files for the tests."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def noise(seed: int, *shape: int, kind: type = np.uint8) -> np.ndarray:
    """Random pixels."""
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, shape, kind)


def put(path: Path, seed: int = 0, size: tuple[int, int] = (6, 5), mode: str = "RGB", **options: Any) -> np.ndarray:
    """Write a random picture of (height, width); returns its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,), "I;16": ()}[mode]
    pixels = noise(seed, *size, *channels, kind=np.uint16 if mode == "I;16" else np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def folder_of(root: Path, names: Iterable[str], **options: Any) -> dict[str, np.ndarray]:
    """Write random pictures with these names; returns their pixels by name."""
    return {name: put(root / name, seed, **options) for seed, name in enumerate(names)}


def png(pixels: np.ndarray) -> bytes:
    """A PNG file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def zipped(root: Path, target: Path) -> Path:
    """A .zip of a folder."""
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(root.rglob("*"), reverse=True):
            archive.write(file, f"{root.name}/{file.relative_to(root)}")
    return target


def tarred(root: Path, target: Path) -> Path:
    """A .tar of a folder, compressed as the name says."""
    how = {".gz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(target.suffix, "w")
    with tarfile.open(target, how) as archive:  # type: ignore[call-overload]
        archive.add(root, root.name)
    return target
