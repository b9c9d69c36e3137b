"""Grids of the same latents over time: ``samples/000012800.png`` after 12,800 samples seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganvas.files import png, write_file
from ganvas.game import Game
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.space import Space

COLUMNS, ROWS = 10, 8  # of a grid
POINTS = 2000  # drawn for vectors


def grid(generator: Generator, space: Space, seed: int = 0) -> Image.Image:
    """A picture of samples: one column for each class when there are 2 to 20, with its name above."""
    if len(space.shape) == 1:
        x, _ = generator.draw(range(POINTS), seed)
        return space.show(space.decode(x), COLUMNS)
    kinds = classes(space.labels)
    if not 2 <= len(kinds) <= 20:
        x, _ = generator.draw(range(COLUMNS * ROWS), seed)
        return space.show(space.decode(x), COLUMNS)
    latents = np.repeat(np.arange(ROWS), len(kinds))  # a row keeps its latent, a column its label
    x, _ = generator.draw(latents.tolist(), seed, list(kinds) * ROWS)
    return titled(space.show(space.decode(x), len(kinds)), kinds)


def classes(labels: Labels | None) -> Sequence[str]:
    """The class names when there is exactly one column of classes, else none."""
    return labels.columns[0].classes if labels and len(labels.columns) == 1 else ()


def titled(picture: Image.Image, titles: Sequence[str]) -> Image.Image:
    """The picture with a title above each of its equal columns."""
    height, step = 16, picture.width / len(titles)
    page = Image.new("RGB", (picture.width, picture.height + height), "white")
    page.paste(picture, (0, height))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    for number, title in enumerate(titles):
        while len(title) > 1 and pen.textlength(title, font) > step - 2:
            title = title[:-1]
        pen.text(((number + 0.5) * step, height / 2), title, "black", font, anchor="mm")
    return page


def samples(
    generator: Generator, space: Space, folder: Path, every: int
) -> Callable[[int, Game, Mapping[str, Any] | None], None]:
    """A monitor that writes the grid of ``generator`` every so many rounds, and after the first."""

    def monitor(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
        if t % every == 0 or t == 1:
            write_file(folder / f"{game.seen:09d}.png", png(grid(generator, space)))

    return monitor
