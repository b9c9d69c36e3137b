"""Moving pictures as the bytes of a file: GIF by Pillow, MP4 (H.264) by PyAV."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from PIL import Image

from ganvas.errors import InputError
from ganvas.watching import watching

SIDE = 256  # pixels: smaller frames are enlarged by a whole factor to about this side
FASTEST = {".gif": 50, ".mp4": 120}  # frames in a second: a GIF counts in hundredths of one


def film(frames: Sequence[Image.Image], fps: int, kind: str) -> bytes:
    """Frames of one size -> the bytes of a .gif that repeats for ever, or of an .mp4.

    Raises InputError for an impossible ``fps``, and when .mp4 is asked for and PyAV is missing.
    """
    if not 1 <= fps <= FASTEST[kind]:
        raise InputError(f"--fps {fps} must be from 1 to {FASTEST[kind]} in a {kind}")
    seen = [enlarged(frame) for frame in frames]
    return gif(seen, fps) if kind == ".gif" else mp4(seen, fps)


def enlarged(frame: Image.Image) -> Image.Image:
    """A small frame, enlarged by a whole factor so that it can be seen."""
    factor = max(1, SIDE // min(frame.size))
    return frame.resize((frame.width * factor, frame.height * factor), Image.Resampling.NEAREST)


def gif(frames: Sequence[Image.Image], fps: int) -> bytes:
    """The bytes of a GIF."""
    buffer = io.BytesIO()
    length = round(100 / fps) * 10  # milliseconds
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:], duration=length, loop=0, disposal=1)
    return buffer.getvalue()


def mp4(frames: Sequence[Image.Image], fps: int) -> bytes:
    """The bytes of an MP4: H.264, yuv420p, which all browsers play. The same frames give the same bytes."""
    try:
        import av
    except ImportError:
        raise InputError("an .mp4 needs PyAV: pip install 'ganvas[video]'; or write a .gif") from None
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("libx264", rate=Fraction(fps), options={"crf": "16", "threads": "1"})
        stream.width, stream.height = (side + side % 2 for side in frames[0].size)  # halves of colours need even sides
        stream.pix_fmt = "yuv420p"
        with watching("encoding", len(frames)) as tell:
            for number, frame in enumerate(frames):
                picture = even(np.asarray(frame.convert("RGB")))
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                tell(number + 1)
        file.mux(stream.encode())
    return buffer.getvalue()


def even(picture: np.ndarray) -> np.ndarray:
    """A picture [h, w, 3] whose last row and column are repeated where its sides are odd."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
