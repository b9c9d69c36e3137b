"""One picture: from a file's bytes to an array of the wanted size and mode."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganvas.errors import InputError, nearest

MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 1}  # what a picture file can become, and its channels
CROPS = ("centre", "stretch", "pad")
LARGEST = 178_956_970  # pixels; a picture of more is not decoded (Pillow's own bound against decompression bombs)
FILTER = Image.Resampling.LANCZOS  # antialiased when it shrinks
ORIENTATION = 0x0112  # the EXIF tag


class UnreadableError(Exception):
    """This file is no picture that can be used; the message is the reason."""


@dataclass(frozen=True)
class Policy:
    """How pictures become one ``size`` (height, width), or None to take them as they are."""

    size: tuple[int, int] | None = None
    crop: str = "centre"

    @classmethod
    def of(cls, size: int | str | Sequence[int] | None, crop: str) -> Self:
        """From what a user writes: 64, "64", "48x64" or (48, 64). Raises InputError for anything else."""
        if crop not in CROPS:
            raise InputError(f"no crop '{crop}'{nearest(crop, CROPS)}; write one of {', '.join(CROPS)}")
        if size is None:
            return cls(None, crop)
        numbers = re.split(r"\s*[x×,]\s*", str(size).strip(" ()[]").lower())
        if len(numbers) > 2 or not all(n.isdecimal() for n in numbers):
            raise InputError(f"size {size!r} is not understood; write 64 for a square, or HEIGHTxWIDTH such as 48x64")
        height, width = int(numbers[0]), int(numbers[-1])
        if min(height, width) < 2 or height * width > LARGEST:
            raise InputError(f"size {height}x{width} is out of range; pictures are at least 2x2 pixels")
        return cls((height, width), crop)

    def apply(self, picture: Image.Image) -> Image.Image:
        """The picture at this size; itself when it has it already."""
        if self.size is None or picture.size == self.size[::-1]:
            return picture
        if self.crop == "stretch":
            return picture.resize(self.size[::-1], FILTER)
        fitted: Image.Image = (ImageOps.fit if self.crop == "centre" else ImageOps.pad)(
            picture, self.size[::-1], FILTER
        )
        return fitted

    def apply_array(self, picture: np.ndarray) -> np.ndarray:
        """The same for an array [h, w, c] of uint8 or uint16 with any number of channels."""
        if self.size is None or picture.shape[:2] == self.size:
            return picture
        if picture.dtype == np.uint8 and picture.shape[2] in (1, 3, 4):
            return as_array(self.apply(Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)))
        top = np.iinfo(picture.dtype).max
        planes = [self.apply(Image.fromarray(plane)) for plane in np.moveaxis(picture, 2, 0).astype(np.float32)]
        return np.stack([np.clip(np.round(np.asarray(p)), 0, top) for p in planes], 2).astype(picture.dtype)


@dataclass(frozen=True)
class Decoded:
    """A picture ``array`` [h, w, c] uint8 or uint16, the ``mode`` its file had and the file's (height, width)."""

    array: np.ndarray
    mode: str
    size: tuple[int, int]


def decode(data: bytes, policy: Policy, mode: str | None = None) -> Decoded:
    """The first frame of a picture file, upright, at the policy's size, in ``mode`` (default: its own).

    Raises UnreadableError with the reason when the bytes are no picture, are damaged, or hold too many pixels.
    """
    try:
        with opened(data) as picture:
            size = upright_size(picture)
            if policy.size and picture.format == "JPEG":
                picture.draft(None, (2 * max(policy.size),) * 2)  # decode at a fraction of the size, much faster
            own = plain(ImageOps.exif_transpose(picture))
            return Decoded(as_array(resized(converted(own, mode or own.mode), policy)), own.mode, size)
    except UnreadableError:
        raise
    except Exception as error:  # a decoder that is fed a damaged file may raise anything
        raise UnreadableError(reason(error)) from error


def measure(data: bytes) -> tuple[int, int]:
    """(height, width) by the file's header alone. Raises UnreadableError."""
    try:
        with opened(data) as picture:
            return upright_size(picture)
    except UnreadableError:
        raise
    except Exception as error:  # as in decode
        raise UnreadableError(reason(error)) from error


def opened(data: bytes) -> Image.Image:
    """The picture, its header read and nothing decoded. Raises UnreadableError when it has too many pixels."""
    if not data:
        raise UnreadableError("the file is empty")
    picture = Image.open(io.BytesIO(data))
    if picture.width * picture.height > LARGEST:
        raise UnreadableError(f"{picture.width}×{picture.height} pixels are too many; a decompression bomb?")
    return picture


def reason(error: Exception) -> str:
    """Why a decoder failed, in a few words."""
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels; a decompression bomb?"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    return " ".join(str(error).split()) or type(error).__name__


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """(height, width) after the EXIF orientation is applied."""
    turned = picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def plain(picture: Image.Image) -> Image.Image:
    """The picture in the mode of MODES that keeps what its file holds."""
    mode = picture.mode
    if mode in ("P", "L", "RGB") and "transparency" in picture.info:
        return picture.convert("LA" if mode == "L" else "RGBA")
    if mode in MODES:
        return picture
    if mode.startswith("I"):
        numbers = np.asarray(picture)
        if numbers.min() < 0 or numbers.max() > 65535:
            raise UnreadableError("its 32-bit values do not fit 16 bits; save such data as .npy in [0, 1]")
        return Image.fromarray(numbers.astype(np.uint16))
    if mode == "F":
        raise UnreadableError("it holds floats; save such data as .npy in [0, 1] or [-1, 1]")
    return picture.convert({"1": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB"))


def converted(picture: Image.Image, mode: str) -> Image.Image:
    """A picture of one of MODES in another. Transparent pixels become white where alpha is dropped."""
    if picture.mode == mode:
        return picture
    if picture.mode == "I;16":
        return converted(Image.fromarray(np.round(np.asarray(picture) / 257).astype(np.uint8)), mode)
    if mode == "I;16":
        return Image.fromarray(np.asarray(converted(picture, "L")).astype(np.uint16) * 257)
    if "A" in picture.mode and "A" not in mode:
        full = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", full.size, "white"), full).convert(mode)
    return picture.convert(mode)


def resized(picture: Image.Image, policy: Policy) -> Image.Image:
    """A picture of one of MODES under the policy; 16-bit ones are computed in floats."""
    if picture.mode != "I;16":
        return policy.apply(picture)
    return Image.fromarray(policy.apply_array(as_array(picture))[..., 0])


def as_array(picture: Image.Image) -> np.ndarray:
    """[h, w, c] uint8 or uint16."""
    array: np.ndarray[Any, np.dtype[Any]] = np.asarray(picture)
    return array[..., None] if array.ndim == 2 else array
