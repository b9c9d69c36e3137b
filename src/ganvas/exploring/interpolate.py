"""From one sample to the next: a picture of the way, a GIF or a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import between, codes, drawn, needs_pictures, numbers
from ganvas.exploring.sheet import page, place, save
from ganvas.exploring.video import FASTEST, check, film
from ganvas.files import write_file
from ganvas.run import Run
from ganvas.spaces.images.space import BORDER
from ganvas.watching import watching

LONGEST = 10_000  # frames


def interpolate(
    run: Run,
    *,
    seeds: str = "0-4",
    label: str | None = None,
    frames: int = 8,
    loop: bool = False,
    truncation: float | None = None,
    fps: int = 25,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """From one sample to the next: a .png with a row for each pair, or a .gif or .mp4 of the way.

    Latents of a normal prior turn on a sphere (Shoemake 1985, doi:10.1145/325165.325242); styles, conditions and
    uniform latents go straight.

    Args:
        seeds: numbers of the samples on the way, as `generate` draws them, 0,3,5-8.
        label: one label for all of them, or one for each, 3,8, repeated as needed; then the condition changes on the
            way too (default: those that `generate` gives them). Labels of several columns are parted by semicolons.
        frames: pictures from one sample to the next.
        loop: also from the last sample back to the first.
        truncation: as `generate` takes it.
        fps: pictures in a second of a .gif or .mp4.
        out: a .png, .gif or .mp4 (default: explore/interpolate.png in the run).

    Raises:
        InputError: an option is not possible; the message says what is.
    """
    needs_pictures(run, "interpolate")
    path = place(run, out, "interpolate", (".png", *FASTEST))
    which, still = numbers(seeds), path.suffix.lower() == ".png"
    if len(which) < 2:
        raise InputError(f"--seeds {seeds} is one sample; a way needs two or more: 0,1")
    if not 1 <= frames * len(which) <= LONGEST:
        raise InputError(f"--frames {frames} for {len(which)} samples must be 1 to {LONGEST:,} pictures together")
    if not still:
        check(fps, path.suffix.lower())
    ends = codes(run, which, label=each(run, label, len(which)), truncation=truncation)
    ends = torch.cat([ends, ends[:1]]) if loop else ends
    code = way(run, ends, torch.arange(frames + still) / frames)
    if not (still or loop):
        code = torch.cat([code, ends[-1:]])
    raw = drawn(run, code)
    show(run, raw, frames + 1, fps, path)
    return {"out": str(path), "seeds": which, "pictures": len(raw), **steps(raw, frames + 1 if still else len(raw))}


def each(run: Run, label: str | None, count: int) -> object:
    """The labels of ``count`` samples: None as drawn, one for all, or a list."""
    labels = run.generator.labels
    if label is None or labels is None:
        return label
    several = [one.strip() for one in label.split("," if len(labels.columns) == 1 and ";" not in label else ";")]
    return [several[i % len(several)] for i in range(count)]


def way(run: Run, ends: Tensor, shares: Tensor) -> Tensor:
    """Codes at ``shares`` [s] of the way from each of ``ends`` [m, k] to the next: [(m - 1) s, k]."""
    legs = [between(run.generator, a[None], b[None], shares) for a, b in pairwise(ends)]
    return torch.cat(legs)


def show(run: Run, raw: np.ndarray, columns: int, fps: int, path: Path) -> None:
    """Write the picture or the film."""
    if path.suffix.lower() == ".png":
        save(page(run, raw, columns), path)
        return
    with watching("encoding", len(raw)) as tell:
        write_file(path, film(frames_of(run, raw, tell), fps, path.suffix.lower()))


def frames_of(run: Run, raw: np.ndarray, tell: Callable[[int], None]) -> Iterator[Image.Image]:
    """Each sample as it is seen, without a border."""
    for number in range(len(raw)):
        yield ImageOps.crop(run.space.show(raw[number : number + 1], 1), BORDER)
        tell(number + 1)


def steps(raw: np.ndarray, length: int) -> dict[str, float]:
    """How far successive pictures of ways of ``length`` are apart, in grey levels (root mean square): the mean and the
    largest step. An even way has no step much larger than the mean."""
    gaps = [
        float(np.sqrt(np.square(raw[i + 1].astype(np.float32) - raw[i]).mean()))
        for i in range(len(raw) - 1)
        if (i + 1) % length
    ]
    return {"mean_step": round(float(np.mean(gaps)), 3), "largest_step": round(max(gaps), 3)}
