"""The only seam between modalities. Games never see it; nets are built for it; runs carry it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from PIL import Image

from ganvas.labels import Labels

if TYPE_CHECKING:
    from torch import Tensor, nn


class Space(Protocol):
    """What samples are: how raw values become tensors and back. Fitted once, saved in the run folder."""

    @property
    def labels(self) -> Labels | None:
        """What is known of each sample, or None."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded sample: (c, h, w) for pictures, (d,) for vectors."""

    def encode(self, raw: np.ndarray) -> Tensor:
        """Raw samples [n, …] as stored -> float32 [n, *shape]."""

    def decode(self, x: Tensor | np.ndarray) -> np.ndarray:
        """Encoded samples [n, *shape] -> raw samples [n, …]; the inverse of ``encode`` on valid samples.

        Of an array it needs no torch.
        """

    def head(self) -> nn.Module:
        """The last layer, which makes a network's output a valid encoded sample."""

    def show(self, raw: np.ndarray, columns: int) -> Image.Image:
        """One picture of many raw samples, ``columns`` in a row."""

    def pictures(self, raw: np.ndarray) -> list[Image.Image]:
        """One picture of each raw sample."""

    def config(self) -> dict[str, Any]:
        """Plain JSON from which ``type(self).load`` makes the same space (labels included)."""


def plain(x: Tensor | np.ndarray) -> np.ndarray:
    """Encoded samples as an array, float32."""
    return x if isinstance(x, np.ndarray) else x.detach().cpu().float().numpy()


@dataclass(frozen=True)
class Rows:
    """Some samples of a data set: rows ``index`` of ``raw`` [N, …] and of ``labels`` [N, c].

    With ``mirror`` the rows count twice, the second time flipped left to right (raw is [N, h, w, c]).
    """

    raw: np.ndarray
    labels: np.ndarray | None
    index: np.ndarray
    mirror: bool = False

    def __len__(self) -> int:
        return len(self.index) * (2 if self.mirror else 1)

    def read(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw samples and stored labels of the rows numbered ``which`` [n]."""
        index = self.index[which % len(self.index)]
        raw = self.raw[index]
        flipped = which >= len(self.index)
        if flipped.any():
            raw[flipped] = raw[flipped][:, :, ::-1]
        return raw, None if self.labels is None else self.labels[index]


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """How data is read when a run is given a path or a name."""

    size: str | int | None = None  # pixels, 64 or HxW (default: as it is, when all pictures share a size)
    crop: Literal["centre", "stretch", "pad"] = "centre"  # how other shapes become that size
    flip: bool = False  # train on left-right mirrored pictures too
    holdout: float | None = None  # share never trained on (default: the data's own test split, else 0.1)
    labels: str | None = None  # label columns to use, a,b,c, or none (default: all)
    target: str | None = None  # of a table: the column to be predicted from the others
    metadata: str | None = None  # of a table: what its columns are, SDV's JSON or {"column": "category"} in a file
    constraints: str | None = None  # of a table: what every row keeps, "low <= high; price > 0; (city, state)"


@dataclass(frozen=True)
class Data:
    """A data set ready to train on. ``held_out`` is never trained on; ``report`` says what loading met; ``origin``
    is the path or name and the options that load it again."""

    name: str
    space: Space
    train: Rows
    held_out: Rows
    fingerprint: str
    report: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)


def unlabelled(data: Data) -> Data:
    """The same samples, of which nothing else is known."""
    space = replace(data.space, labels=None)  # type: ignore[type-var]
    train, held_out = (replace(rows, labels=None) for rows in (data.train, data.held_out))
    return replace(data, space=space, train=train, held_out=held_out)


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split ``count`` rows at random: (rows to train on, rows held out), both ascending, ``share`` of them held out."""
    order = np.random.Generator(np.random.Philox(key=[seed, 0])).permutation(count)
    held = round(count * share)
    return np.sort(order[held:]), np.sort(order[:held])
