"""Pictures that travel inside the page, and the film of samples over time."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image

from ganvas.reporting.tags import Markup, element

FRAMES = 40  # of a film, at the most
FILM_SIDE, FILM_BYTES = 640, 40_000  # of a frame: pixels; more bytes than this are compressed with loss
SIDE, BYTES = 1600, 1_000_000  # of any other picture
SHOWN = 880  # pixels: small pictures are shown enlarged by a whole factor, up to this width

T = TypeVar("T")


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most ``count`` of the items, evenly spaced, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def address(picture: Image.Image, side: int = SIDE, most: int = BYTES) -> str:
    """The picture as a ``data:`` address: WebP, lossless when that takes no more than ``most`` bytes.

    Pictures wider or higher than ``side`` pixels are made smaller.
    """
    small = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
    if max(small.size) > side:
        small = small.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
    data = webp(small, lossless=True)
    if len(data) > most:
        data = webp(small, lossless=False)
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def webp(picture: Image.Image, lossless: bool) -> bytes:
    """The bytes of a WebP file."""
    buffer = io.BytesIO()
    picture.save(buffer, "webp", lossless=lossless, quality=40 if lossless else 82, method=3)
    return buffer.getvalue()


def image(source: str, width: int, alt: str, **attributes: str | bool) -> Markup:
    """An ``<img>`` of a picture that is ``width`` pixels wide, enlarged by a whole factor when it is small."""
    shown = width * max(1, SHOWN // width)
    return element("img", src=source, width=shown, alt=alt, **attributes)


def figure(picture: Image.Image, alt: str, caption: str = "") -> Markup:
    """A picture with its caption."""
    told = element("figcaption", caption) if caption else None
    return element("figure", image(address(picture), picture.width, alt), told, class_="picture")


def film(frames: Sequence[tuple[int, Path]], what: str) -> Markup:
    """The newest of the ``frames`` (samples seen, file), and before it the others, behind a slider.

    Without scripts the newest is shown and the slider is not.
    """
    chosen = evenly(frames, FRAMES)
    with Image.open(chosen[-1][1]) as last:
        width, newest = last.width, address(last)
    made = []
    for seen, path in chosen[:-1]:
        with Image.open(path) as picture:
            made.append((seen, address(picture, FILM_SIDE, FILM_BYTES)))
    made.append((chosen[-1][0], newest))
    shown = [
        image(source, width, f"{what} {told(seen)}", class_="frame", data_told=told(seen), hidden=number < len(made))
        for number, (seen, source) in enumerate(made, 1)
    ]
    return element("div", *shown, controls([seen for seen, _ in made]) if len(made) > 1 else None, class_="film")


def told(seen: int) -> str:
    """When a grid was drawn."""
    return f"after {seen:,} samples seen"


def controls(seen: Sequence[int]) -> Markup:
    """A button that plays the film, a slider, and what is shown; hidden until the page's script wakes them."""
    last = len(seen) - 1
    return element(
        "div",
        element("button", "Play", type="button"),
        element("span", f"{seen[0]:,}", class_="end"),
        element("input", type="range", min=0, max=last, value=last, step=1, aria_label="Samples over time"),
        element("span", f"{seen[-1]:,}", class_="end"),
        element("output", told(seen[-1])),
        class_="controls",
        hidden=True,
    )
