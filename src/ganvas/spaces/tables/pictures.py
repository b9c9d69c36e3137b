"""Rows of a table as a picture of text."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDEST = 24  # characters of a cell that are shown
MARGIN = 8  # pixels


def sheet(frame: Any) -> Image.Image:
    """A pandas DataFrame drawn as text, all rows and columns; long cells are cut."""
    with np.errstate(over="ignore"):  # pandas writes half-precision numbers so
        shown = frame.to_string(max_colwidth=WIDEST)
    text = shown.encode("latin-1", "replace").decode("latin-1")  # Pillow's plain font has no more
    font = ImageFont.load_default()
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font)
    picture = Image.new("RGB", (int(box[2]) + 2 * MARGIN, int(box[3]) + 2 * MARGIN), "white")
    ImageDraw.Draw(picture).multiline_text((MARGIN, MARGIN), text, fill="black", font=font)
    return picture
