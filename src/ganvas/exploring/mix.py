"""Style mixing: some layers take their style from one sample, the others from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import codes, drawn, needs_pictures, needs_styles, numbers
from ganvas.exploring.sheet import page, place, save
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

PARTS = ("coarse", "middle", "fine")  # thirds of the layers
MOST = 24  # samples in a row or column


def mix(
    run: Run,
    *,
    rows: str = "0-4",
    columns: str = "5-10",
    layers: str = "coarse",
    label: str | None = None,
    truncation: float | None = None,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Samples of the columns, which give their style to some layers, crossed with samples of the rows, which give all
    others: poses and shapes come from coarse layers, colours from fine ones.

    Karras et al. 2019 (StyleGAN), arXiv:1812.04948, section 3.1. The first row and the first column show the samples
    themselves. Only for networks with styles: stylegan2, stylegan3.

    Args:
        rows: numbers of the samples in the rows, 0,3,5-8.
        columns: numbers of the samples in the columns.
        layers: which take the style of the column: coarse, middle or fine (thirds of all), or numbers from 0, 0-3.
        label: of all samples (default: those that `generate` gives them).
        truncation: as `generate` takes it.
        out: a .png (default: explore/mix.png in the run).

    Raises:
        InputError: the network has no styles, or an option is not possible.
    """
    needs_pictures(run, "mix")
    net, path = needs_styles(run, "mix"), place(run, out, "mix")
    chosen = layers_of(net, layers)
    left, top = numbers(rows, "--rows", MOST), numbers(columns, "--columns", MOST)
    w = net.spread(codes(run, [*left, *top], label=label, truncation=truncation))
    a, b = w[: len(left)], w[len(left) :]
    raw = drawn(run, torch.cat([a, b, crossed(a, b, chosen)]))
    save(page(run, crossing(raw, len(left), len(top)), len(top) + 1), path)
    ours, theirs, mixed = np.split(raw.astype(np.float64), [len(left), len(raw) - len(left) * len(top)])
    mixed = mixed.reshape(len(left), len(top), *raw.shape[1:])
    return {
        "out": str(path), "layers": chosen, "of": net.layers,
        "apart_from_rows": apart(mixed, ours[:, None]), "apart_from_columns": apart(mixed, theirs[None]),
    }  # fmt: skip


def layers_of(net: Mapped, text: str) -> list[int]:
    """The layers that ``coarse``, ``middle``, ``fine`` or ``0-3,7`` means. InputError for others."""
    if text in PARTS:
        return [i for i in range(net.layers) if i * len(PARTS) // net.layers == PARTS.index(text)]
    found = sorted(set(numbers(text, "--layers")))
    if found[-1] >= net.layers:
        raise InputError(f"--layers {text}: this network has the layers 0 to {net.layers - 1}")
    return found


def crossed(a: Tensor, b: Tensor, layers: list[int]) -> Tensor:
    """Styles [m, layers, k] and [n, layers, k] -> [m n, layers, k], row by row, with ``layers`` of ``b``."""
    made = a[:, None].repeat(1, len(b), 1, 1)
    made[:, :, layers] = b[None, :, layers]
    return made.flatten(0, 1)


def crossing(raw: np.ndarray, m: int, n: int) -> np.ndarray:
    """The m and n samples and their m n crossings as a table of m + 1 rows, with nothing in the first corner."""
    rows = [np.concatenate([np.zeros_like(raw[:1]), raw[m : m + n]])]
    rows += [np.concatenate([raw[i : i + 1], raw[m + n + i * n :][:n]]) for i in range(m)]
    return np.concatenate(rows)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square difference of raw pictures, in grey levels."""
    return round(float(np.sqrt(np.square(a - b).mean())), 3)
