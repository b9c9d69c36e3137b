"""Toys whose density is known: points in the plane, made on the spot, for tests, theory and first experiments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image, ImageDraw

from ganvas.labels import Labels
from ganvas.space import Data, Rows, hold_out, plain

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNT = 50_000  # samples of a toy


@dataclass(frozen=True)
class Points:
    """A space of vectors [d]. A mixture of equal normals with ``centres`` [k, d] and ``sigma`` made them.

    Raw and encoded values differ by ``scale`` alone, which gives encoded values a spread of about 1.
    """

    centres: np.ndarray
    sigma: float
    scale: float
    labels: Labels | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (self.centres.shape[1],)

    def encode(self, raw: np.ndarray) -> Tensor:
        """Points [n, d] -> float32 [n, d]."""
        import torch

        return torch.from_numpy(np.asarray(raw, np.float32) / np.float32(self.scale))

    def decode(self, x: Tensor | np.ndarray) -> np.ndarray:
        """[n, d] -> points [n, d] float32."""
        return plain(x) * np.float32(self.scale)

    def head(self) -> nn.Module:
        """Nothing: every vector is valid."""
        from torch import nn

        return nn.Identity()

    def modes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the nearest centre [n] of each point and whether it lies within 3 sigma of it [n]."""
        gaps = np.linalg.norm(points[:, None] - self.centres, axis=2)
        return gaps.argmin(1), gaps.min(1) < 3 * self.sigma

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """log p(x) [n] of points [n, d]."""
        d, k = self.centres.shape[1], len(self.centres)
        squares = ((points[:, None] - self.centres) ** 2).sum(2) / (2 * self.sigma**2)
        top = -squares.min(1)
        total = np.log(np.exp(-squares - top[:, None]).sum(1)) + top
        log_density: np.ndarray = total - np.log(k) - 0.5 * d * np.log(2 * np.pi * self.sigma**2)
        return log_density

    def show(self, raw: np.ndarray, columns: int) -> Image.Image:
        """A scatter plot 512×512 of the points over the centres (circles of 3 sigma)."""
        side, reach = 512, float(np.abs(self.centres).max() + 8 * self.sigma)
        picture = Image.new("RGB", (side, side), "white")
        pen = ImageDraw.Draw(picture)

        def place(p: np.ndarray) -> tuple[float, float]:
            return (p[0] / reach + 1) * side / 2, (1 - p[1] / reach) * side / 2

        ring = 3 * self.sigma / reach * side / 2
        for centre in self.centres:
            x, y = place(centre)
            pen.ellipse((x - ring, y - ring, x + ring, y + ring), outline="#bbbbbb")
        for point in raw:
            x, y = place(point)
            pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill="#3366cc")
        return picture

    def pictures(self, raw: np.ndarray) -> list[Image.Image]:
        """A scatter plot of one point each."""
        return [self.show(one[None], 1) for one in raw]

    def config(self) -> dict[str, Any]:
        """Plain JSON."""
        labels = self.labels.config() if self.labels else None
        return {"centres": self.centres.tolist(), "sigma": self.sigma, "scale": self.scale, "labels": labels}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The space that ``config`` describes."""
        labels = Labels.load(config["labels"]) if config["labels"] else None
        return cls(np.array(config["centres"]), config["sigma"], config["scale"], labels)


def ring(holdout: float | None = None, seed: int = 0, labels: bool = False, count: int = COUNT) -> Data:
    """8 normals (sigma 0.02) on a circle of radius 1. With ``labels`` each point knows its mode."""
    angle = np.arange(8) * np.pi / 4
    origin = {"source": "ring", "holdout": holdout, "seed": seed, "labels": labels, "count": count}
    return mixture(np.stack([np.cos(angle), np.sin(angle)], 1), 0.02, origin)


def grid(holdout: float | None = None, seed: int = 0, labels: bool = False, count: int = COUNT) -> Data:
    """25 normals (sigma 0.05) on a 5×5 grid with steps of 2. With ``labels`` each point knows its mode."""
    axis = np.arange(-4.0, 5.0, 2.0)
    origin = {"source": "grid", "holdout": holdout, "seed": seed, "labels": labels, "count": count}
    return mixture(np.stack(np.meshgrid(axis, axis), 2).reshape(-1, 2), 0.05, origin)


def mixture(centres: np.ndarray, sigma: float, origin: dict[str, Any]) -> Data:
    """Points of equal normals around ``centres`` [k, d], as ``origin`` asks (count, holdout, seed, labels)."""
    count, kinds = origin["count"], [str(i) for i in range(len(centres))]
    random = np.random.Generator(np.random.Philox(key=[0, 2]))
    mode = random.integers(len(centres), size=count)
    raw = (centres[mode] + sigma * random.standard_normal((count, centres.shape[1]))).astype(np.float32)
    stored = mode[:, None] if origin["labels"] else None
    labels = None if stored is None else Labels.of(["mode"], [kinds], stored)
    space = Points(centres, sigma, float(centres.std()), labels)
    train, held_out = hold_out(count, 0.1 if origin["holdout"] is None else origin["holdout"], origin["seed"])
    return Data(
        name=origin["source"],
        space=space,
        train=Rows(raw, stored, train),
        held_out=Rows(raw, stored, held_out),
        fingerprint=hashlib.blake2b(raw.tobytes(), digest_size=16).hexdigest(),
        report={"read": count, "summary": f"{count:,} points around {len(centres)} modes"},
        origin=origin,
    )


BUILT_IN = (ring, grid)
