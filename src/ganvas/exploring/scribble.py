"""Draw a few strokes and see what the generator can make of them: colours and edges as constraints on the latent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring import keeping
from ganvas.exploring.latent import codes, drawn, needs_pictures, numbers, paint
from ganvas.exploring.optimise import Region, descend
from ganvas.exploring.perceptual import Eye, alike
from ganvas.exploring.sheet import page, place, save
from ganvas.exploring.starts import Pool
from ganvas.exploring.strokes import Strokes
from ganvas.labels import chosen
from ganvas.run import Run

SMOOTH = 0.1  # weight of the squared way from where a candidate began, as a share of how far codes lie apart
PULL = 0.1  # weight of codes farther out than those that are drawn
WANDER = 0.5  # how far the other candidates begin from a given start, as a share of how far codes lie apart
WIDE = 64  # pixels of each picture, at least


def scribble(
    run: Run,
    *,
    strokes: str | Path | None = None,
    edges: str | Path | None = None,
    start: str | None = None,
    label: str | None = None,
    candidates: int = 8,
    steps: int = 100,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Draw strokes, and see pictures of the generator that follow them: the best first.

    Zhu et al. 2016 (iGAN), arXiv:1609.03552, section 3.2: the latent descends the colour error under the strokes, the
    difference in local gradients along the edges, and the way from where it began.

    Args:
        strokes: a picture whose opaque pixels are the colours wanted there; transparent ones are free. Of the shape
            of the run's pictures, of any size.
        edges: a picture with dark lines on white, or opaque lines on nothing: where edges are wanted, and which way
            they run. Compared are mean gradients of small cells, their orientations as doubled angles.
        start: where to begin: the number of a sample, or FILE.npz of `invert --keep` (FILE.npz:3 for its fourth).
            Default: those of 512 draws that follow the strokes best.
        label: the label of what is made (default: any that fits, or that of the start).
        candidates: how many pictures.
        steps: of Adam.
        out: a .png (default: explore/scribble.png in the run).

    Raises:
        InputError: nothing is drawn, a file cannot be read, or an option is not possible.
    """
    needs_pictures(run, "scribble")
    path, eye = place(run, out, "scribble"), Eye(run.space)
    if not 1 <= candidates <= 64 or not 0 <= steps <= 100_000:
        raise InputError(f"--candidates {candidates} must be from 1 to 64, --steps {steps} from 0 to 100,000")
    drawing, G = Strokes.read(run, strokes, edges), run.generator
    pool = Pool(run, eye)
    region = Region.of(G, pool.codes)
    begin = beginnings(run, pool, region, drawing, (start, label, candidates))

    def cost(code: Tensor, rows: Tensor) -> Tensor:
        away = ((code - begin[rows]) * region.free).square().sum(-1).reshape(len(code), -1).mean(1) / region.spread
        return drawing.errors(paint(G, code)).sum(1) + SMOOTH * away + PULL * region.beyond(code)

    found, _ = descend(cost, begin[:, None], region, steps, what="following the strokes")
    raw = drawn(run, found)
    errors = drawing.errors(run.space.encode(raw))
    order = errors.sum(1).argsort(stable=True)
    raw, errors = raw[order.numpy()], errors[order]
    lines = [{"colour_error": round(c, 5), "edge_error": round(e, 5)} for c, e in errors.tolist()]
    if start is not None:
        first = drawn(run, begin[:1])
        for line, value in zip(lines, alike(run.space, eye, first.repeat(len(raw), 0), raw), strict=True):
            line["changed"] = round(float(value), 4)
        raw = np.concatenate([first, raw])
    save(sheet(run, drawing, raw, start is not None, errors), path)
    before = drawing.errors(run.space.encode(drawn(run, begin))).sum(1)
    told = {"error_at_start": round(float(before.min()), 5), "error": round(float(errors.sum(1).min()), 5)}
    return {"out": str(path), "protocol": drawing.told, **told, "candidates": lines}


def beginnings(
    run: Run, pool: Pool, region: Region, drawing: Strokes, asked: tuple[str | None, str | None, int]
) -> Tensor:
    """Codes [n, …] to begin at: near the given start, the first of them there, or the draws that follow best."""
    start, label, count = asked
    if start is None:
        draws = pool.codes
        if label is not None:
            draws = pool.coded(pool.z, chosen(run.space.labels, np.zeros(len(pool.z)), label))
        return draws[drawing.errors(pool.made(draws)).sum(1).argsort(stable=True)[:count]]
    if str(start).strip().isdecimal():
        first = codes(run, numbers(str(start), "--start", 1), label=label)
    elif label is not None:
        raise InputError("--label belongs to a sample's number; the codes of a file have theirs")
    else:
        first = keeping.load(run, start, "--start").codes[:1]
    others = first.expand(count, *first.shape[1:])
    noise = region.noise(others, torch.Generator().manual_seed(0))
    noise[0] = 0
    return others + WANDER * noise


def sheet(run: Run, drawing: Strokes, raw: np.ndarray, started: bool, errors: Tensor) -> Image.Image:
    """The drawing, the start if there was one, and the candidates, with their errors above."""
    shown = run.space.decode(drawing.shown()[None])
    above = ["drawing", *(["start"] if started else []), *(f"{error:.3f}" for error in errors.sum(1).tolist())]
    return page(run, np.concatenate([shown, raw]), len(above), above, (), WIDE)
