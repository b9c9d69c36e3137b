"""Samples as the bytes of an answer: the same samples are always the same bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganvas.errors import InputError
from ganvas.exploring.video import film
from ganvas.files import npz
from ganvas.space import Space
from ganvas.spaces.images.pixels import converted
from ganvas.spaces.images.space import Images
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.writing import written

LEVEL = 1  # of PNG's compression: higher ones take longer and gain a few per cent
QUALITY = 92  # of JPEG
FPS = 12  # of films
BUDGET = 1 << 24  # pixels, or numbers, of one answer
CELL = 1024  # pixels or numbers that any sample counts for, at least
PICTURES = ("png", "jpeg", "webp")


@dataclass(frozen=True)
class Made:
    """Raw ``samples`` [n, …] of a ``space``, numbered from ``start``, and their stored ``labels`` [n, c] or None; how
    many stand in a row of a grid (0: as square as can be)."""

    space: Space
    samples: np.ndarray
    labels: np.ndarray | None = None
    start: int = 0
    columns: int = 0

    @property
    def names(self) -> list[str]:
        """The label of each sample in words."""
        known = self.space.labels
        return [] if known is None or self.labels is None else known.names(self.labels)


def formats(space: Space) -> tuple[str, ...]:
    """What samples of a space can be answered as; the first is the default."""
    if isinstance(space, Images):
        return ("png", "jpeg", "webp", "npz", "zip")
    return ("json", "csv", "npz") if isinstance(space, Table) else ("json", "npz", *PICTURES)


def most(space: Space) -> int:
    """How many samples an answer may hold: BUDGET pixels together."""
    return max(1, BUDGET // max(CELL, int(np.prod(space.shape[-2:]))))


def encoded(made: Made, form: str, grid: bool | None = None) -> bytes:
    """The samples in a format: pictures as one picture of all (``grid``, or when there are several), or each alone.

    Raises InputError for samples that the format cannot hold.
    """
    if form == "npz":
        return arrays(made)
    if form == "zip":
        return archive(made)
    if form == "gif":
        return film([made.space.show(one[None], 1) for one in made.samples], FPS, ".gif")
    if form == "csv" and isinstance(made.space, Table):
        return written(frame(made), Path("rows.csv"))
    if form == "json":
        return words(made)
    alone = len(made.samples) == 1 and isinstance(made.space, Images)
    if grid is False and not alone:
        raise InputError(f"{form} holds one picture, and these are {len(made.samples)}; ask for zip, npz or a grid")
    if alone and not grid:
        return coded(made.space.pictures(made.samples)[0], form)
    n = len(made.samples)
    return coded(made.space.show(made.samples, made.columns or max(1, round(n**0.5 + 0.499))), form)


def coded(picture: Image.Image, form: str) -> bytes:
    """A picture as the bytes of a file; nothing is lost but in JPEG."""
    buffer = io.BytesIO()
    if form == "png":
        picture.save(buffer, "png", compress_level=LEVEL)
    elif form == "jpeg":
        picture = picture if picture.mode in ("L", "RGB") else converted(picture, "L" if "I" in picture.mode else "RGB")
        picture.save(buffer, "jpeg", quality=QUALITY)
    else:
        if picture.mode == "I;16":
            raise InputError("WebP has no 16-bit pictures; ask for png")
        picture.save(buffer, "webp", lossless=True, method=1)
    return buffer.getvalue()


def arrays(made: Made) -> bytes:
    """``samples`` and ``labels`` as ``ganvas generate --out x.npz`` writes them."""
    held = {"samples": made.samples}
    if made.labels is not None and made.space.labels is not None:
        held["labels"] = made.space.labels.stored(made.labels)
    return npz(**held)


def archive(made: Made) -> bytes:
    """A PNG for each sample, named by its number, and ``labels.json`` where there are labels."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for number, picture in enumerate(made.space.pictures(made.samples), made.start):
            file.writestr(zipfile.ZipInfo(f"{number:05d}.png"), coded(picture, "png"))
        if made.names:
            file.writestr(zipfile.ZipInfo("labels.json"), json.dumps(made.names))
    return buffer.getvalue()


def words(made: Made) -> bytes:
    """``samples`` and ``labels`` as JSON: rows by their columns' names, points as numbers."""
    if isinstance(made.space, Table):
        text: str = frame(made).to_json(orient="records", date_format="iso")
        return f'{{"samples":{text}}}'.encode()
    held: dict[str, Sequence[object]] = {"samples": np.nan_to_num(made.samples).tolist()}
    return json.dumps(held | ({"labels": made.names} if made.names else {})).encode()


def frame(made: Made) -> Any:
    """Rows as a data frame; those of a table with constraints keep them."""
    assert isinstance(made.space, Table)
    raw = made.samples
    if made.space.constraints:
        from ganvas.spaces.tables.support import Support

        raw = Support(made.space).settled(raw)
    return made.space.frame(raw, made.start)
