"""Moving pictures as the bytes of a file: GIF by Pillow, MP4 (H.264) by PyAV."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain

import numpy as np
from PIL import Image

from ganvas.errors import InputError

SIDE = 256  # pixels: smaller frames are enlarged by a whole factor to about this side
FASTEST = {".gif": 50, ".mp4": 120}  # frames in a second: a GIF counts in hundredths of one


def film(frames: Iterable[Image.Image], fps: int, kind: str) -> bytes:
    """Frames of one size -> the bytes of a .gif that repeats for ever, or of an .mp4. The same frames, the same bytes.

    Raises InputError as ``check`` does.
    """
    check(fps, kind)
    seen = (enlarged(frame) for frame in frames)
    return gif(list(seen), fps) if kind == ".gif" else mp4(seen, fps)


def check(fps: int, kind: str) -> None:
    """Raise InputError for a film that cannot be made."""
    if not 1 <= fps <= FASTEST[kind]:
        raise InputError(f"--fps {fps} must be from 1 to {FASTEST[kind]} in a {kind}")
    if kind == ".mp4" and importlib.util.find_spec("av") is None:
        raise InputError("an .mp4 needs PyAV: pip install 'ganvas[video]'; or write a .gif")


def enlarged(frame: Image.Image) -> Image.Image:
    """A small frame, enlarged by a whole factor so that it can be seen."""
    factor = max(1, SIDE // min(frame.size))
    return frame.resize((frame.width * factor, frame.height * factor), Image.Resampling.NEAREST)


def gif(frames: Sequence[Image.Image], fps: int) -> bytes:
    """The bytes of a GIF, which knows time in hundredths of a second."""
    buffer = io.BytesIO()
    length = round(100 / fps) * 10  # milliseconds
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:], duration=length, loop=0, disposal=1)
    return buffer.getvalue()


def mp4(frames: Iterable[Image.Image], fps: int) -> bytes:
    """The bytes of an MP4: H.264, yuv420p, which all browsers play."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("libx264", rate=Fraction(fps), options={"crf": "16", "threads": "1"})
        stream.pix_fmt = "yuv420p"
        pictures = (even(np.asarray(frame.convert("RGB"))) for frame in frames)
        first = next(pictures)
        stream.height, stream.width = first.shape[:2]
        for picture in chain([first], pictures):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
    return buffer.getvalue()


def even(picture: np.ndarray) -> np.ndarray:
    """A picture [h, w, 3] whose last row and column are repeated where its sides are odd."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
