"""Pictures that most tools cannot do: not square, with transparency, 16-bit grey. Every net of pictures learns them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganvas as gan
from ganvas.names import listing

PICTURES = [net for net in listing("nets") if net not in ("gain", "masked", "rows")]  # those play on tables
GAMES = {"fastgan": "fastgan", "progressive": "progressive"}  # nets whose paper has a game of its own


@pytest.mark.parametrize("net", PICTURES)
@pytest.mark.parametrize(
    ("shape", "kind"), [((48, 64, 4), np.uint8), ((24, 20, 1), np.uint16)], ids=["48x64 RGBA", "16 bits"]
)
def test_every_net_trains(net: str, shape: tuple[int, ...], kind: type, tmp_path: Path) -> None:
    random, top = np.random.default_rng(0), np.iinfo(kind).max
    pictures = random.integers(0, top, (24, *shape), dtype=kind, endpoint=True)
    np.savez(tmp_path / "data.npz", images=pictures)
    data = gan.images(tmp_path / "data.npz", cache=tmp_path / "cache")
    small: dict[str, Any] = {"hidden": 8} if net == "mlp" else {"width": 8}
    small |= {"most": 16, "mapping": 1} if net.startswith("stylegan") else {}
    small |= {"layers": 4, "margin": 3} if net == "stylegan3" else {}
    how: dict[str, Any] = {"game": GAMES.get(net, "r3gan"), "net": net, "latent": 8, "batch": 4, "rounds": 2, **small}
    run = gan.train(data, run=tmp_path / "run", threads=1, quiet=True, **how)
    made, _ = run.samples(range(3), seed=5)
    assert (made.shape, made.dtype) == ((3, *shape), kind)
    again, _ = run.samples([2], seed=5)
    assert np.array_equal(again[0], made[2])
