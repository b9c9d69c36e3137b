"""Find the latents of your own pictures: what the generator can make of them, and how far off it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring import targets
from ganvas.exploring.keeping import Kept
from ganvas.exploring.latent import drawn, needs_pictures, paint
from ganvas.exploring.optimise import Region, descend, extended
from ganvas.exploring.perceptual import Eye, alike
from ganvas.exploring.sheet import page, place, save
from ganvas.exploring.starts import Pool, Start
from ganvas.files import write_file
from ganvas.labels import chosen
from ganvas.run import Run

STARTS, STEPS, PULL = 8, 200, 0.1
GROUP = 32  # pictures searched for together
BAR = 0.1  # LPIPS up to which a picture counts as found
SHOWN, WIDE = 36, 64  # pictures on the page; pixels of each, at least
PERFECT = 100.0  # decibels told of a picture without any error


@dataclass(frozen=True)
class Inverted:
    """What was found for n pictures: codes [n, …], where each began, the raw pictures made, LPIPS [n] or None, mean
    squared errors [n] of values in [-1, 1]."""

    codes: Tensor
    starts: list[Start]
    raw: np.ndarray
    lpips: np.ndarray | None
    errors: np.ndarray
    seconds: float

    def kept(self, wanted: targets.Targets) -> Kept:
        """The codes of the pictures ``wanted``, with the labels that were found or given."""
        labels = [start.label for start in self.starts if start.label is not None]
        return Kept(self.codes, wanted.names, wanted.raw, np.stack(labels) if labels else None)


def invert(
    run: Run,
    *,
    pictures: str = "seeds:0-7",
    label: str | None = None,
    starts: int = STARTS,
    steps: int = STEPS,
    pull: float = PULL,
    keep: str | Path | None = None,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Find the latents of your own pictures: a page of target, what was found, and the difference.

    From several starts, Adam descends LPIPS and the squared error together (Karras et al. 2020, arXiv:1912.04958,
    appendix D); networks with styles get another one for each layer (Abdal et al. 2019, arXiv:1904.03189).

    Args:
        pictures: a picture, a folder of them, an .npz, "real:0,1,2" (held-out samples of the run's data: as many made
            ones are inverted for comparison), or "seeds:0,1,2" (samples of the run).
        label: the label of all pictures (default: the data's own; where it is not known all labels are tried).
        starts: where to begin, for each picture: what the game's encoder says and the mean style, where there are
            such, then the nearest of 512 draws.
        steps: of Adam, for the starts that are not given up early; 0 shows the nearest start.
        pull: weight of a penalty on codes farther out than those that are drawn: more is likelier, less is exacter.
        keep: an .npz for the codes that were found, which edit and scribble take.
        out: a .png (default: explore/invert.png in the run).

    Raises:
        InputError: a picture cannot be read, or an option is not possible.
    """
    needs_pictures(run, "invert")
    path = place(run, out, "invert")
    check(starts, steps, pull)
    kept = None if keep is None else place(run, keep, "invert --keep", (".npz",))
    wanted = targets.read(run, pictures)
    eye = Eye(run.space)
    found = search(run, eye, labelled(run, wanted, label), starts, steps, pull)
    save(sheet(run, wanted, found), path)
    told: dict[str, Any] = {"out": str(path)}
    if kept is not None:
        write_file(kept, found.kept(wanted).packed())
        told["keep"] = str(kept)
    told |= {"protocol": f"{eye.told}, {starts} starts, {steps} steps, pull {pull:g}", **summary(found)}
    if pictures.startswith("real:"):
        made = targets.made(run, list(range(len(wanted.raw))))
        again = summary(search(run, eye, made, starts, steps, pull))
        told |= {f"made_{name}": value for name, value in again.items()}
    return told | {"pictures": lines(run, wanted, found)}


def check(starts: int, steps: int, pull: float) -> None:
    """Raise InputError for impossible options."""
    if not 1 <= starts <= 64:
        raise InputError(f"--starts {starts} must be from 1 to 64")
    if not 0 <= steps <= 100_000:
        raise InputError(f"--steps {steps} must be from 0 to 100,000")
    if not 0 <= pull < float("inf"):
        raise InputError(f"--pull {pull} must be 0 or more")


def labelled(run: Run, wanted: targets.Targets, label: str | None) -> targets.Targets:
    """The pictures with the label that the user gives; without it with those they have."""
    if label is None:
        return wanted
    told = chosen(run.space.labels, np.zeros(len(wanted.raw)), label)
    return targets.Targets(wanted.raw, wanted.names, told)


def search(
    run: Run, eye: Eye, wanted: targets.Targets, starts: int = STARTS, steps: int = STEPS, pull: float = PULL
) -> Inverted:
    """The codes that come nearest to pictures, and how near."""
    begun, pool, G = time.perf_counter(), Pool(run, eye), run.generator
    codes, origins = [], []
    for first in range(0, len(wanted.raw), GROUP):
        part = slice(first, first + GROUP)
        x = run.space.encode(wanted.raw[part])
        begin, whence = pool.starts(x, None if wanted.labels is None else wanted.labels[part], starts)
        region, seen = Region.of(G, pool.codes), torch.cat([eye(one).detach() for one in x.split(8)])

        def cost(code: Tensor, rows: Tensor, seen: Tensor = seen, region: Region = region) -> Tensor:
            return (eye(paint(G, code)) - seen[rows]).square().sum(1) + pull * region.beyond(code)

        begin = extended(G, begin.flatten(0, 1)).unflatten(0, begin.shape[:2])
        found, which = descend(cost, begin, region, steps, what=f"inverting from picture {first}")
        codes.append(found)
        origins += [row[i] for row, i in zip(whence, which.tolist(), strict=True)]
    return measured(run, eye, wanted.raw, torch.cat(codes), origins, time.perf_counter() - begun)


def measured(run: Run, eye: Eye, raw: np.ndarray, codes: Tensor, origins: list[Start], seconds: float) -> Inverted:
    """Codes with the pictures they make, as they are stored, and how far these are from ``raw``."""
    made = drawn(run, codes)
    errors = (run.space.encode(raw) - run.space.encode(made)).square().flatten(1).double().mean(1).numpy()
    lpips = None if eye.lpips is None else alike(run.space, eye, raw, made)
    return Inverted(codes, origins, made, lpips, errors, seconds)


def decibels(errors: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratios of mean squared errors of values in [-1, 1]: 10 log10(2² / error), at most 100."""
    return np.minimum(10 * np.log10(4 / np.maximum(errors, 1e-30)), PERFECT)


def summary(found: Inverted) -> dict[str, Any]:
    """Means over the pictures."""
    error = round(float(found.errors.mean()), 7)
    told = {"psnr": round(float(decibels(found.errors).mean()), 2), "squared_error": error}
    if found.lpips is not None:
        share = float((found.lpips <= BAR).mean())
        worst = round(float(found.lpips.max()), 4)
        told = {"lpips": round(float(found.lpips.mean()), 4), "lpips_worst": worst, "share_found": share} | told
    return told | {"count": len(found.raw), "seconds": round(found.seconds, 1)}


def lines(run: Run, wanted: targets.Targets, found: Inverted) -> list[dict[str, Any]]:
    """The figures of each picture."""
    made = []
    for i, (name, start) in enumerate(zip(wanted.names, found.starts, strict=True)):
        line: dict[str, Any] = {"picture": name}
        if found.lpips is not None:
            line["lpips"] = round(float(found.lpips[i]), 4)
        line |= {"psnr": round(float(decibels(found.errors)[i]), 2), "squared_error": round(float(found.errors[i]), 7)}
        if start.label is not None and run.space.labels is not None:
            line["label"] = run.space.labels.names(start.label[None])[0]
        made.append(line | {"start": start.name})
    return made


def sheet(run: Run, wanted: targets.Targets, found: Inverted) -> Image.Image:
    """Target, inverted, difference of the first pictures, their LPIPS beside them or, in several columns, not."""
    count = min(len(wanted.raw), SHOWN)
    apart = np.abs(wanted.raw.astype(np.int32) - found.raw).astype(wanted.raw.dtype)
    if run.space.shape[0] in (2, 4):
        apart[..., -1] = np.iinfo(apart.dtype).max  # opacity
    trios = np.stack([wanted.raw, found.raw, apart], 1)[:count]
    across = -(-count // 12)
    blank = np.zeros_like(trios[:1]).repeat(-count % across, 0)
    told = [] if found.lpips is None or across > 1 else [f"LPIPS {value:.3f}" for value in found.lpips]
    above = ["target", "inverted", "difference"] * across
    return page(run, np.concatenate([trios, blank]).reshape(-1, *trios.shape[2:]), 3 * across, above, told, WIDE)
