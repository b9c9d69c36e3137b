"""Change one thing in pictures of your own: their codes are moved along an attribute, or told another label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring import invert as inverting
from ganvas.exploring import keeping, targets
from ganvas.exploring.keeping import Kept
from ganvas.exploring.latent import drawn, needs_pictures, needs_styles
from ganvas.exploring.mix import layers_of
from ganvas.exploring.perceptual import Eye, alike
from ganvas.exploring.probe import probe
from ganvas.exploring.reader import Reader, reader
from ganvas.exploring.sheet import page, place, save
from ganvas.exploring.starts import Pool
from ganvas.labels import chosen
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

STEPS = 4  # pictures on the way to the edit
FARTHEST = 20.0  # standard deviations
WIDE = 64  # pixels of each picture, at least


def edit(
    run: Run,
    *,
    pictures: str | None = None,
    codes: str | None = None,
    by: str | None = None,
    label: str | None = None,
    strength: float = 3.0,
    layers: str | None = None,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Change one thing in pictures of your own: a row for each, the target, what was inverted, and the way to the edit.

    The codes are moved along the direction of an attribute (as `directions` finds it), or their condition is changed.

    Args:
        pictures: what to invert and edit, as `invert` takes it.
        codes: … or the .npz that `invert --keep` wrote; FILE.npz:0,3 takes some of them.
        by: the attribute to gain, COLUMN=VALUE, as a classifier of the real training samples reads it.
        label: … or the label to be told instead: the latents stay. With styles it is the mean style that changes.
        strength: how far to go along the attribute, in standard deviations of the codes; negative: to lose it.
        layers: with styles, which layers are moved, coarse, middle, fine or 0-3 (default: all).
        out: a .png (default: explore/edit.png in the run).

    Raises:
        InputError: a picture or file cannot be read, the run knows no such label, or an option is not possible.
    """
    needs_pictures(run, "edit")
    path = place(run, out, "edit")
    if (pictures is None) == (codes is None) or (by is None) == (label is None):
        raise InputError("edit needs --pictures or --codes, and --by COLUMN=VALUE or --label; give one of each")
    if not 0 < abs(strength) <= FARTHEST:
        raise InputError(f"--strength {strength} must be from -{FARTHEST:g} to {FARTHEST:g}, and not 0")
    there = None if layers is None else list(layers_of(needs_styles(run, "--layers"), layers))
    eye = Eye(run.space)
    kept = inverted(run, eye, pictures) if codes is None else keeping.load(run, codes, "--codes")
    read: Reader | None
    if by is not None:
        found = probe(run, by)
        step, read = strength * found.direction.expand(len(kept.codes), -1), found.reader
    else:
        step, read = told_otherwise(run, eye, kept, str(label)), reading(run, str(label))
    way = torch.linspace(0, 1, STEPS + 1).view(-1, *[1] * kept.codes.dim())
    raw = drawn(run, (kept.codes + way * placed(run, step, there)).flatten(0, 1)).reshape(
        STEPS + 1, len(kept.codes), *kept.samples.shape[1:]
    )
    told = figures(run, eye, kept, raw, read)
    strip = np.stack([kept.samples, *raw], 1).reshape(-1, *kept.samples.shape[1:])
    above = ["target", "inverted", *[f"{share:.0%}" for share in np.linspace(0, 1, STEPS + 1)[1:]]]
    beside = ["{before:.2f} to {after:.2f}".format(**line) if "after" in line else "" for line in told["pictures"]]
    save(page(run, strip, len(above), above, beside, WIDE), path)
    return {"out": str(path), "edit": by or f"label {label}", **({"strength": strength} if by else {}), **told}


def inverted(run: Run, eye: Eye, pictures: str | None) -> Kept:
    """Pictures and the codes that `invert` finds for them with its defaults."""
    wanted = targets.read(run, str(pictures))
    return inverting.search(run, eye, wanted).kept(wanted)


def placed(run: Run, step: Tensor, layers: list[int] | None) -> Tensor:
    """Steps [n, k] for codes as they are kept: of networks with styles one for each layer, 0 where none is moved."""
    net = run.generator.net
    if not isinstance(net, Mapped):
        return step
    there = torch.zeros(net.layers, 1)
    there[range(net.layers) if layers is None else layers] = 1
    return there * step[:, None]


def told_otherwise(run: Run, eye: Eye, kept: Kept, label: str) -> Tensor:
    """The steps [n, k] from codes to those with another label: the condition's, or between mean styles."""
    labels = run.space.labels
    stored = chosen(labels, np.zeros(len(kept.codes)), label)
    assert labels is not None
    assert stored is not None
    assert kept.labels is not None
    pool = Pool(run, eye)
    if isinstance(run.generator.net, Mapped):
        means = [pool.coded(pool.z, np.repeat(row[None], len(pool.z), 0)).mean(0) for row in (*kept.labels, stored[0])]
        return means[-1] - torch.stack(means[:-1])
    step = labels.encode(stored) - labels.encode(kept.labels)
    return torch.cat([torch.zeros(len(step), run.generator.prior.size), step], 1)


def reading(run: Run, label: str) -> Reader | None:
    """Who reads the label in pictures, when it is one of a single column of classes and the data is still there."""
    labels = run.space.labels
    if labels is None or len(labels.columns) > 1 or not labels.columns[0].classes:
        return None
    name = labels.names(labels.parse(label)[None])[0]
    try:
        return reader(run, f"{labels.columns[0].name}={name}")
    except InputError:
        return None


def figures(run: Run, eye: Eye, kept: Kept, raw: np.ndarray, read: Reader | None) -> dict[str, Any]:
    """What was read before and after in ``raw`` [steps, n, …], and how much of the pictures changed."""
    changed = alike(run.space, eye, raw[0], raw[-1])
    lines: list[dict[str, Any]] = [{"picture": name} for name in kept.names]
    told: dict[str, Any] = {}
    if read is not None:
        before, after = read(raw[0]), read(raw[-1])
        told = {"reader": read.attribute, "reader_accuracy": finite(read.accuracy)}
        told |= {"before": round(float(before.mean()), 4), "after": round(float(after.mean()), 4)}
        told["rises"] = round(float((after > before).mean()), 4)
        for line, b, a in zip(lines, before, after, strict=True):
            line |= {"before": round(float(b), 4), "after": round(float(a), 4)}
    for line, value in zip(lines, changed, strict=True):
        line["changed"] = round(float(value), 4)
    how = f"{'LPIPS' if eye.lpips is not None else eye.told} to the inversion"
    return told | {"changed": round(float(changed.mean()), 4), "changed_is": how, "pictures": lines}


def finite(value: float) -> float | None:
    """Four places of a number; JSON has no NaN."""
    return round(value, 4) if np.isfinite(value) else None
