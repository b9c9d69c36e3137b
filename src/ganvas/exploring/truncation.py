"""What truncation does: the same samples at several levels, and how much variety is left."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.exploring.latent import codes, drawn, needs_pictures, numbers
from ganvas.exploring.sheet import TITLED, page, place, save
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

STYLES, NORMAL = "0,0.25,0.5,0.75,1", "0.1,0.5,1,1.5,2"  # usual levels
MEASURED = 64  # samples whose variety is measured
MOST, LARGEST = 32, 100.0  # levels; how large one may be


def truncation(
    run: Run,
    *,
    seeds: str = "0-5",
    levels: str | None = None,
    label: str | None = None,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """The same samples at several levels of truncation, one in each row, and how much variety is left at each.

    Variety is the root mean square distance of two samples, as a share of that without truncation. In networks with
    styles a level is the share of the way from the mean style (Karras et al. 2019, arXiv:1812.04948, appendix B), below
    0 the opposite of a sample; else latents beyond it are drawn again (Brock et al. 2019, arXiv:1809.11096).

    Args:
        seeds: numbers of the samples, as `generate` draws them, 0,3,5-8.
        levels: one for each column, 0.5,1,2 (default: 0,0.25,0.5,0.75,1 for styles, else 0.1,0.5,1,1.5,2).
        label: of all samples (default: those that `generate` gives them).
        out: a .png (default: explore/truncation.png in the run).

    Raises:
        InputError: the prior is uniform, or an option is not possible.
    """
    needs_pictures(run, "truncation")
    path, which = place(run, out, "truncation"), numbers(seeds)
    styled = isinstance(run.generator.net, Mapped)
    found = parsed(levels or (STYLES if styled else NORMAL))
    columns = [drawn(run, codes(run, which, label=label, truncation=level)) for level in found]
    raw = np.stack(columns, 1).reshape(-1, *columns[0].shape[1:])
    save(page(run, raw, len(found), [f"{level:g}" for level in found], [str(number) for number in which], TITLED), path)
    whole = spread(run, None, label)
    left = [{"level": level, "variety": round(spread(run, level, label) / whole, 4)} for level in found]
    return {"out": str(path), "seeds": which, "levels": left}


def parsed(text: str) -> list[float]:
    """The numbers of ``0.5,1,2``. InputError for other text."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--levels {text[:60]!r} are no numbers; write them as 0.5,1,2") from None
    if len(found) > MOST or not all(math.isfinite(level) and abs(level) <= LARGEST for level in found):
        raise InputError(f"--levels {text[:60]}: at most {MOST} numbers up to {LARGEST:g} are possible")
    return found


def spread(run: Run, level: float | None, label: str | None) -> float:
    """Root mean square distance of two samples: √2 times the deviation of a pixel."""
    raw = drawn(run, codes(run, range(MEASURED), label=label, truncation=level)).astype(np.float64)
    return float(np.sqrt(2 * raw.var(0, ddof=1).mean())) or 1e-12
