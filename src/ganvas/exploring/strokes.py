"""What a user drew, as errors that a gradient can follow: colours under strokes, and edges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, pad

from ganvas.errors import InputError
from ganvas.exploring.perceptual import colours
from ganvas.run import Run
from ganvas.spaces.images.pixels import Policy, UnreadableError, decode, measure

LARGEST = 1 << 24  # pixels of a drawing
CELLS = 8  # along the shorter side, about: where gradients are averaged
FAINT = 0.05  # gradient (black to white is 1) that counts half
SKEW = 0.05  # how much the shape of a drawing may differ


@dataclass(frozen=True)
class Strokes:
    """Colours ``wanted`` [c, h, w] in [-1, 1] where ``cover`` [1, h, w] is more than 0; and the local gradients of
    drawn lines, ``edges`` [3, y, x], None without such. ``ink`` [1, h, w] are the lines."""

    wanted: Tensor
    cover: Tensor
    ink: Tensor
    edges: Tensor | None

    @classmethod
    def read(cls, run: Run, strokes: str | Path | None, edges: str | Path | None) -> Strokes:
        """From picture files. Raises InputError when nothing is drawn or a file cannot be read."""
        if strokes is None and edges is None:
            raise InputError("scribble needs --strokes FILE.png (colours), --edges FILE.png (lines), or both")
        channels, height, width = run.space.shape
        if channels > 4:
            raise InputError(f"scribble knows the colours of 1 to 4 channels, not of {channels}")
        wanted, cover, ink = (torch.zeros(n, height, width) for n in (channels, 1, 1))
        if strokes is not None:
            seen = picture(Path(strokes), "--strokes", "LA" if channels < 3 else "RGBA", (height, width))
            cover = smaller(seen[-1:], height, width)
            if not (cover > 0).any():
                raise InputError(f"--strokes {strokes} is transparent everywhere; paint opaque strokes on nothing")
            wanted = torch.ones(channels, height, width)  # the last may be opacity
            plain = 1 if channels < 3 else 3
            wanted[:plain] = 2 * smaller(seen[:-1] * seen[-1:], height, width) / cover.clamp_min(1e-6) - 1
        if edges is not None:
            seen = picture(Path(edges), "--edges", "LA", (height, width))
            ink = smaller(seen[1:] if (seen[1] < 1).any() else 1 - seen[:1], height, width)
            if float(ink.max() - ink.min()) < FAINT:
                raise InputError(f"--edges {edges} shows no lines; draw dark ones on white, or opaque ones on nothing")
        return cls(wanted, cover, ink, None if edges is None else gradients(ink[None])[0])

    @property
    def told(self) -> str:
        """The errors in words."""
        parts = ["mean squared error of the values under strokes"] if bool(self.cover.any()) else []
        if self.edges is not None:
            parts.append("squared difference of local gradients (doubled angles) along lines")
        return " + ".join(parts)

    def errors(self, x: Tensor) -> Tensor:
        """Of encoded pictures [n, c, h, w] the colour error and the edge error [n, 2], 0 where nothing is asked."""
        share = self.cover / self.cover.sum().clamp_min(1e-6) / len(self.wanted)
        colour = ((x - self.wanted).square() * share).sum((1, 2, 3))
        if self.edges is None:
            return torch.stack([colour, torch.zeros_like(colour)], 1)
        grey = (colours(x).mean(1, keepdim=True) + 1) / 2
        there = self.edges[2]  # how much of an edge is asked for
        gaps = (gradients(grey)[:, :3] - self.edges[:3]).square().sum(1)
        return torch.stack([colour, (gaps * there).sum((1, 2)) / there.sum()], 1)

    def shown(self) -> Tensor:
        """The drawing as an encoded picture [c, h, w]: strokes on grey, lines in black."""
        x = self.wanted * self.cover.clamp(max=1)
        x = x * (1 - self.ink) - self.ink
        if len(x) in (2, 4):
            x[-1] = 1
        return x


def picture(path: Path, option: str, mode: str, shape: tuple[int, int]) -> Tensor:
    """A drawing [2 or 4, h, w] in [0, 1], of about the ``shape`` (height, width). InputError when it is none."""
    if not path.is_file():
        raise InputError(f"{option} {path}: there is no such file; give a PNG")
    try:
        content = path.read_bytes()
        height, width = measure(content)
        if height * width > LARGEST:
            raise InputError(f"{option} {path} has {width}×{height} pixels; {LARGEST:,} are the most, make it smaller")
        if abs(width * shape[0] / (height * shape[1]) - 1) > SKEW:
            raise InputError(f"{option} {path} is {width}×{height}; draw on {shape[1]}×{shape[0]} or a multiple of it")
        array = decode(content, Policy(), mode).array
    except OSError as error:
        raise InputError(f"{option} {path} cannot be read: {error.strerror or error}") from None
    except UnreadableError as error:
        raise InputError(f"{option} {path} cannot be read ({error}); save it again as PNG") from None
    return torch.from_numpy(np.array(array, np.float32) / 255).permute(2, 0, 1)


def smaller(x: Tensor, height: int, width: int) -> Tensor:
    """[c, ·, ·] averaged to [c, height, width]."""
    return adaptive_avg_pool2d(x[None], (height, width))[0]


def gradients(grey: Tensor) -> Tensor:
    """Local gradients of grey pictures [n, 1, h, w] in [0, 1]: [n, 3, y, x], means over overlapping cells.

    The first two are the gradients' lengths times the cosine and sine of their doubled angles, so that the two sides
    of a line count alike (Bigün & Granlund 1987); the third is their length. All are divided by the third plus
    FAINT: contrast beyond that does not matter. Zhu et al. 2016 compare histograms of orientations in such cells.
    """
    x = pad(grey, (1, 1, 1, 1), "replicate")
    across, down = (x[:, :, 1:-1, 2:] - x[:, :, 1:-1, :-2]) / 2, (x[:, :, 2:, 1:-1] - x[:, :, :-2, 1:-1]) / 2
    length = (across.square() + down.square() + 1e-12).sqrt()
    parts = torch.cat([(across.square() - down.square()) / length, 2 * across * down / length, length], 1)
    cell = max(2, min(grey.shape[2:]) // CELLS)
    means = avg_pool2d(parts, cell, max(1, cell // 2))
    return means / (means[:, 2:] + FAINT)
