"""Directions of the latent space in which one thing changes: found without labels, or by a label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.factors import factors
from ganvas.exploring.latent import along, codes, drawn, needs_pictures, needs_styles, numbers
from ganvas.exploring.mix import layers_of
from ganvas.exploring.probe import effect, probe
from ganvas.exploring.sheet import TITLED, page, place, save
from ganvas.files import npz, write_file
from ganvas.run import Run

STEPS = 7  # pictures of a direction, the sample itself in the middle
MOST, FARTHEST = 64, 20.0  # directions; standard deviations


def directions(
    run: Run,
    *,
    by: str = "pca",
    seeds: str = "0",
    label: str | None = None,
    count: int = 8,
    strength: float = 3.0,
    layers: str | None = None,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Move samples along directions: a row for each, the sample itself in the middle.

    pca: the axes along which styles vary most, or without styles early activations (Härkönen et al. 2020, GANSpace,
    arXiv:2004.02546). sefa: those to which the first layer, or all style modulations, answer most (Shen & Zhou 2021,
    arXiv:2007.06600). COLUMN=VALUE: towards what a classifier of the real training samples reads as that label (Shen et
    al. 2020, InterFaceGAN, arXiv:1907.10786); the run itself need not know labels.

    Args:
        by: pca, sefa or COLUMN=VALUE.
        seeds: numbers of the samples that are moved, 0,3,5-8.
        label: of the samples that are moved, and of those that pca and sefa look at (default: those that `generate`
            gives them).
        count: how many directions, of pca and sefa.
        strength: how far to go each way, in standard deviations of the latents along the direction.
        layers: with styles, which layers are moved, coarse, middle, fine or 0-3 (default: all).
        out: a .png, or an .npz with `directions` [count, k] (default: explore/directions.png in the run).

    Raises:
        InputError: the network has no such directions, the data no such label, or an option is not possible.
    """
    needs_pictures(run, "directions")
    path, which = place(run, out, "directions", (".png", ".npz")), numbers(seeds)
    if not 1 <= count <= MOST:
        raise InputError(f"--count {count} must be from 1 to {MOST}")
    if not 0 < strength <= FARTHEST:
        raise InputError(f"--strength {strength} must be more than 0 and at most {FARTHEST:g}")
    chosen = None if layers is None else layers_of(needs_styles(run, "--layers"), layers)
    code = codes(run, which, label=label)
    if by in ("pca", "sefa"):
        found, share = factors(run, by, count, label)
        told: dict[str, Any] = {"explained": [round(float(one), 4) for one in share]}
        names = [f"{number} ({100 * one:.0f} %)" for number, one in enumerate(share, 1)]
    elif "=" in by:
        labelled = probe(run, by)
        found, names = labelled.direction[None], [labelled.reader.attribute]
        told = {"share": round(labelled.share, 4), "probe_accuracy": round(labelled.accuracy, 4)}
        told["reader_accuracy"] = round(labelled.reader.accuracy, 4)
        told |= {name: round(value, 4) for name, value in effect(run, labelled, strength, chosen).items()}
    else:
        raise InputError(f"--by {by}: write pca, sefa, or an attribute of the data as COLUMN=VALUE")
    if path.suffix.lower() == ".npz":
        write_file(path, npz(directions=found.numpy()))
    else:
        steps = torch.linspace(-strength, strength, STEPS)
        raw = drawn(run, walked(run, code, found, steps, chosen))
        save(page(run, raw, STEPS, [f"{step:+.1f}" for step in steps.tolist()], beside(which, names), TITLED), path)
    return {"out": str(path), "by": by, "seeds": which, "strength": strength, **told}


def beside(which: Sequence[int], names: Sequence[str]) -> list[str]:
    """What is written beside the rows: with several samples also their numbers."""
    return [f"{number}: {name}" if len(which) > 1 else name for number in which for name in names]


def walked(run: Run, code: Tensor, found: Tensor, steps: Tensor, layers: Sequence[int] | None) -> Tensor:
    """Codes [n, k] moved by each of ``steps`` [s] along each of the directions [m, k]: n m s of them, in this order."""
    step = (steps[:, None] * found[:, None]).flatten(0, 1)  # [m s, k]
    return along(run, code.repeat_interleave(len(step), 0), step.repeat(len(code), 1), layers)
