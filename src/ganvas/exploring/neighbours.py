"""The training samples nearest to made ones: are they new?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ganvas.errors import InputError
from ganvas.evaluation.copies import SEEN, small, views
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.samples import Samples, part
from ganvas.exploring.latent import codes, drawn, needs_pictures, numbers
from ganvas.exploring.sheet import TITLED, page, place, save
from ganvas.metrics.neighbours import nearest
from ganvas.run import Run

COMPARED = 256  # held-out samples that say how near is usual
MOST = 100  # neighbours


def neighbours(
    run: Run,
    *,
    seeds: str = "0-7",
    label: str | None = None,
    truncation: float | None = None,
    count: int = 5,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Made samples, each with the training samples nearest to it at its right, nearest first, and their distances.

    Pictures are compared averaged to 16×16, mirrored or not, moved by a pixel or not. `held_out` says how far real
    samples are from training samples that the run never saw; a made sample much nearer than that looks like a copy.
    `evaluate` tests for copies.

    Args:
        seeds: numbers of the samples, as `generate` draws them, 0,3,5-8.
        label: of all samples (default: those that `generate` gives them).
        truncation: as `generate` takes it.
        count: neighbours of each.
        out: a .png (default: explore/neighbours.png in the run).

    Raises:
        InputError: the data is not where it was, or an option is not possible.
    """
    needs_pictures(run, "neighbours")
    path, which = place(run, out, "neighbours"), numbers(seeds)
    data = data_of(run)
    if data is None:
        raise InputError(f"the data of {run.path} is not where it was, or has changed; neighbours are sought in it")
    train, held_out = part(data, "train"), part(data, "held-out", COMPARED)
    if not 1 <= count <= min(MOST, train.count):
        raise InputError(f"--count {count} must be from 1 to {min(MOST, train.count)}")
    raw = drawn(run, codes(run, which, label=label, truncation=truncation))
    made = Samples("made", len(raw), run.space, lambda a, b: (raw[a:b], None))
    points = small(train)
    near = sought(made, points, count)
    shown = [
        np.concatenate([one[None], *(train.read(j, j + 1)[0] for j, _ in found)])
        for one, found in zip(raw, near, strict=True)
    ]
    above, beside = ["made", *map(str, range(1, count + 1))], [str(number) for number in which]
    save(page(run, np.concatenate(shown), count + 1, above, beside, TITLED), path)
    usual = [found[0][1] for found in sought(held_out, points, 1)]
    told = [
        {"sample": number, "distance": round(found[0][1], 4), "nearest": [row for row, _ in found]}
        for number, found in zip(which, near, strict=True)
    ]
    median = round(float(np.median(usual)), 4) if usual else None
    return {"out": str(path), "samples": told, "held_out": median, "compared": SEEN}


def sought(samples: Samples, points: Tensor, count: int) -> list[list[tuple[int, float]]]:
    """Of each sample the ``count`` nearest of ``points`` [m, d] in any view: (row, distance), nearest first."""
    closest: list[dict[int, float]] = [{} for _ in range(samples.count)]
    for view in views(samples, samples.count):
        for best, gaps, rows in zip(closest, *(found.tolist() for found in nearest(view, points, count)), strict=True):
            for row, gap in zip(rows, gaps, strict=True):
                best[row] = min(gap, best.get(row, gap))
    return [sorted(best.items(), key=lambda one: one[::-1])[:count] for best in closest]
