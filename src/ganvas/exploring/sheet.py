"""Pictures of an experiment on one page, with words beside its rows and above its columns; and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganvas.errors import InputError
from ganvas.files import png, write_file, writing
from ganvas.monitors.samples import titled
from ganvas.run import Run

LETTERS = 11  # size of the words, in pixels
TITLED = 44  # width of pictures, at the least, that have titles above
MARGIN, WIDEST = 6, 160  # pixels around the words of a row; of those words, at the most


def place(run: Run, out: str | Path | None, what: str, endings: Sequence[str] = (".png",)) -> Path:
    """Where to write: ``out``, or ``explore/WHAT.png`` in the run. Raises InputError for another ending."""
    if out is None:
        folder = run.path / "explore"
        with writing(folder):
            folder.mkdir(exist_ok=True)
        return folder / f"{what}{endings[0]}"
    path = Path(out)
    if path.suffix.lower() not in endings:
        raise InputError(f"--out {out}: {what} writes {' or '.join(endings)}; end the name so")
    if not path.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder {path.parent}; make it first")
    return path


def page(
    run: Run,
    raw: np.ndarray,
    columns: int,
    above: Sequence[str] = (),
    beside: Sequence[str] = (),
    least: int = 0,
) -> Image.Image:
    """Raw samples [n, …] in rows of ``columns``, titles above the columns and beside the rows where they are given.

    Pictures narrower than ``least`` pixels are enlarged by a whole factor.
    """
    bare = run.space.show(raw, columns)
    factor = max(1, -(-least * columns // bare.width))
    bare = bare.resize((bare.width * factor, bare.height * factor), Image.Resampling.NEAREST)
    picture = titled(bare, above) if above else bare
    return named(picture, beside, picture.height - bare.height) if any(beside) else picture


def named(picture: Image.Image, names: Sequence[str], top: int = 0) -> Image.Image:
    """The picture with a name at the left of each of its equal rows, which begin ``top`` pixels from above."""
    font = ImageFont.load_default(LETTERS)
    pen = ImageDraw.Draw(Image.new("L", (1, 1)))
    short = [cut(name, pen, font) for name in names]
    width = int(max(pen.textlength(name, font) for name in short)) + 2 * MARGIN
    made = Image.new("RGB", (picture.width + width, picture.height), "white")
    made.paste(picture, (width, 0))
    pen, step = ImageDraw.Draw(made), (picture.height - top) / len(names)
    for number, name in enumerate(short):
        pen.text((width - MARGIN, top + (number + 0.5) * step), name, "black", font, anchor="rm")
    return made


def cut(name: str, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The beginning of a name that is too long for a row."""
    while len(name) > 1 and pen.textlength(name, font) > WIDEST:
        name = name[:-1]
    return name


def save(picture: Image.Image, path: Path) -> None:
    """Write a PNG, atomically."""
    write_file(path, png(picture))
