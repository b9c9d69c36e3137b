"""The space of pictures: bytes or 16-bit numbers [n, h, w, c] <-> float32 [n, c, h, w] in [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from ganvas.errors import InputError
from ganvas.labels import Labels
from ganvas.space import plain

if TYPE_CHECKING:
    from torch import Tensor, nn

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # other channel numbers are mode "N"
SHOWN = 32  # pixels: smaller pictures are enlarged to about this side before they are shown
BORDER, FRAME = 1, 96  # pixels between shown pictures and their grey level
CHECKS = (190, 230)  # grey levels of the board that is seen through transparent pixels


@dataclass(frozen=True)
class Images:
    """Pictures of ``height`` × ``width`` with ``channels`` channels of ``bits`` (8 or 16).

    ``mode`` is Pillow's name of the channels (L, LA, RGB, RGBA) or "N" for any other number of them.
    """

    height: int
    width: int
    channels: int
    bits: int = 8
    mode: str = "L"
    labels: Labels | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)

    @property
    def top(self) -> int:
        """The brightest stored value: 255 or 65535."""
        return (1 << self.bits) - 1

    def encode(self, raw: np.ndarray) -> Tensor:
        """Stored pictures [n, h, w, c] (uint8, or uint16 when ``bits`` is 16) -> float32 [n, c, h, w] in [-1, 1],
        channels last in memory."""
        import torch

        own = raw if raw.flags.c_contiguous and raw.flags.writeable else np.array(raw, order="C")
        return torch.from_numpy(own).permute(0, 3, 1, 2).to(torch.float32).mul_(2 / self.top).sub_(1)

    def decode(self, x: Tensor | np.ndarray) -> np.ndarray:
        """[n, c, h, w] -> stored pictures [n, h, w, c]: clamped to [-1, 1] and rounded; exact on encoded pictures."""
        numbers = plain(x) + np.float32(1)
        np.multiply(numbers, np.float32(self.top / 2), numbers)
        np.rint(numbers, numbers).clip(0, self.top, numbers)
        with np.errstate(invalid="ignore"):  # NaN becomes any number
            return np.ascontiguousarray(numbers.transpose(0, 2, 3, 1), np.uint8 if self.bits == 8 else np.uint16)

    def pixels(self, x: Tensor) -> Tensor:
        """As ``decode``, a tensor: [n, c, h, w] -> [n, h, w, c] uint8, or int32 when ``bits`` is 16."""
        import torch

        numbers = x.float().add(1).mul(self.top / 2).round().clamp(0, self.top)
        return numbers.permute(0, 2, 3, 1).to(torch.uint8 if self.bits == 8 else torch.int32)

    def head(self) -> nn.Module:
        """Tanh: every value lies in [-1, 1]."""
        from torch import nn

        return nn.Tanh()

    def show(self, raw: np.ndarray, columns: int) -> Image.Image:
        """One RGB or grey picture of stored pictures [n, h, w, c], ``columns`` in a row, a thin border between.

        Small pictures are enlarged by a whole factor. Transparent pixels show a grey checkerboard, 16-bit values
        their upper 8 bits; of N channels the first three are shown, or the first when there are fewer than three.
        """
        if not len(raw):
            raise InputError("no pictures to show; give at least one")
        seen = self._visible(raw)
        factor = max(1, round(SHOWN / min(self.height, self.width)))
        seen = seen.repeat(factor, 1).repeat(factor, 2)
        n, h, w, c = seen.shape
        columns = max(1, min(columns, n))
        rows = -(-n // columns)
        sheet = np.full((rows * (h + BORDER) + BORDER, columns * (w + BORDER) + BORDER, c), FRAME, np.uint8)
        for i, picture in enumerate(seen):
            y, x = (i // columns) * (h + BORDER) + BORDER, (i % columns) * (w + BORDER) + BORDER
            sheet[y : y + h, x : x + w] = picture
        return Image.fromarray(sheet[..., 0] if c == 1 else sheet)

    def _visible(self, raw: np.ndarray) -> np.ndarray:
        """What the eye sees of stored pictures [n, h, w, c]: uint8 [n, h, w, 1 or 3]."""
        raw = raw if self.bits == 8 else (raw >> 8).astype(np.uint8)
        if self.mode not in ("LA", "RGBA"):
            return raw[..., : 3 if self.channels >= 3 else 1]
        cell = max(2, min(self.height, self.width) // 8)
        dark = (np.arange(self.height)[:, None] // cell + np.arange(self.width) // cell) % 2
        board = np.where(dark, *CHECKS)[:, :, None]
        colour, alpha = raw[..., :-1].astype(np.float32), raw[..., -1:].astype(np.float32) / 255
        return np.round(colour * alpha + board * (1 - alpha)).astype(np.uint8)

    def pictures(self, raw: np.ndarray) -> list[Image.Image]:
        """Stored pictures [n, h, w, c] as Pillow images, nothing lost: L, LA, RGB, RGBA, or I;16 for 16-bit grey.

        Raises InputError for what no picture file holds (other channel numbers, 16-bit colour).
        """
        if self.mode == "N" or (self.bits == 16 and self.channels > 1):
            raise InputError(
                f"pictures with {self.channels} channels of {self.bits} bits fit no picture file; save them as .npz"
            )
        return [Image.fromarray(np.ascontiguousarray(one[..., 0] if self.channels == 1 else one)) for one in raw]

    def config(self) -> dict[str, Any]:
        """Plain JSON from which ``Images.load`` makes the same space."""
        labels = self.labels.config() if self.labels else None
        sizes = {"height": self.height, "width": self.width, "channels": self.channels}
        return sizes | {"bits": self.bits, "mode": self.mode, "labels": labels}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The space that ``config`` describes."""
        labels = Labels.load(config["labels"]) if config["labels"] else None
        return cls(**(config | {"labels": labels}))
