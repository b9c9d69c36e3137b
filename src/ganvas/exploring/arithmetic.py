"""Arithmetic with what samples have in common: smiling woman − woman + man = smiling man."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import codes, drawn, needs_pictures, numbers
from ganvas.exploring.reader import Reader, reader
from ganvas.exploring.sheet import page, place, save
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

NOISE = 0.25  # the paper's, where latents lie in ±1; here in standard deviations
EXAMPLES, SIDE = 3, 3  # samples of a concept that are shown; pictures with noise in a row and column
MOST = 16  # terms
LEARNT, SEED = 2000, 1  # samples among which those of a concept are sought, and their seed
TERM = re.compile(r"([+-]?)([^+\s][^\s]*)")
Readers = dict[str, Reader]


class Concept(NamedTuple):
    """A term: its sign, how it was written, the codes [n, k] of its samples."""

    sign: int
    name: str
    code: Tensor


def arithmetic(
    run: Run,
    *,
    terms: str,
    label: str | None = None,
    noise: float = NOISE,
    out: str | Path | None = None,
) -> dict[str, Any]:
    """Average the latents of the samples of each concept, add and subtract them, and show what the result makes.

    Radford et al. 2016 (DCGAN), arXiv:1511.06434, section 6.3.2. A row for each concept: three of its samples, then
    what their mean makes; below, the result, with the same and a little uniform noise around it, as in the paper.

    Args:
        terms: concepts with their signs, by numbers of samples, "+0,1,2 -3,4,5 +6,7,8", or by what a classifier of the
            real training samples reads in the samples made, "+smile=1,sex=f -smile=0,sex=f +smile=0,sex=m".
        label: of all samples (default: those that `generate` gives them).
        noise: how much is added to the pictures around the result, up to ± so many standard deviations of the latents.
        out: a .png (default: explore/arithmetic.png in the run).

    Raises:
        InputError: the terms cannot be read, or the run makes no samples of a concept.
    """
    needs_pictures(run, "arithmetic")
    path = place(run, out, "arithmetic")
    if not 0 <= noise <= 10:
        raise InputError(f"--noise {noise} must be from 0 to 10")
    readers: Readers = {}
    found = concepts(run, terms, label, readers)
    means = torch.stack([concept.code.mean(0) for concept in found])
    result = torch.tensor([concept.sign for concept in found]).float() @ means
    rows = [torch.cat([examples(concept.code), mean[None]]) for concept, mean in zip(found, means, strict=True)]
    raw = drawn(run, torch.cat([*rows, around(run, result, noise, label)]))
    above, made = raw[: -(SIDE**2)], raw[-(SIDE**2) :].reshape(SIDE, SIDE, *raw.shape[1:])
    below = np.concatenate([made, np.zeros_like(made[:, :1])], 1).reshape(-1, *raw.shape[1:])
    names = [f"{'+' if one.sign > 0 else '-'} {one.name}" for one in found]
    titles = [*map(str, range(1, EXAMPLES + 1)), "mean"]
    save(page(run, np.concatenate([above, below]), EXAMPLES + 1, titles, [*names, "", "=", ""]), path)
    told = [{"term": name, "samples": len(one.code)} for name, one in zip(names, found, strict=True)]
    middle = made[SIDE // 2, SIDE // 2][None]
    reads = {one.attribute: round(float(one(middle)[0]), 4) for one in readers.values()}
    return {"out": str(path), "terms": told} | ({"result_reads": reads} if reads else {})


def concepts(run: Run, terms: str, label: str | None, readers: Readers) -> list[Concept]:
    """The terms, each with the codes of its samples; the readers that were needed are put into ``readers``."""
    words = terms.split()
    parts = [TERM.fullmatch(word) for word in words]
    if not 1 <= len(words) <= MOST or not all(parts):
        raise InputError(f"--terms {terms[:60]!r}: write 1 to {MOST} terms with their signs, +0,1,2 -3,4,5 +6,7,8")
    code, raw = torch.empty(0), np.empty(0)
    if "=" in terms:
        code = codes(run, range(LEARNT), SEED, label)
        raw = drawn(run, code)
    made = []
    for part in parts:
        assert part is not None
        read = "=" in part[2]
        here = told(run, part[2], code, raw, readers) if read else codes(run, numbers(part[2], "--terms"), label=label)
        made.append(Concept(-1 if part[1] == "-" else 1, part[2], here))
    return made


def told(run: Run, name: str, code: Tensor, raw: np.ndarray, readers: Readers) -> Tensor:
    """Those of the codes whose samples are read as all that ``a=1,b=2`` says."""
    has = np.ones(len(raw), bool)
    for attribute in name.split(","):
        if attribute not in readers:
            readers[attribute] = reader(run, attribute)
        has &= readers[attribute](raw) >= 0.5
    if has.sum() < EXAMPLES:
        raise InputError(f"{has.sum()} of {len(raw):,} samples of {run.path} show {name}; {EXAMPLES} are needed")
    return code[torch.from_numpy(has)]


def examples(code: Tensor) -> Tensor:
    """The first codes, repeated when there are few."""
    return code[torch.arange(EXAMPLES) % len(code)]


def around(run: Run, result: Tensor, noise: float, label: str | None) -> Tensor:
    """Codes around ``result`` [k], which is the middle one: [SIDE², k], with uniform noise; conditions have none."""
    spread = codes(run, range(LEARNT), SEED, label).std(0)
    if not isinstance(run.generator.net, Mapped):
        spread[run.generator.prior.size :] = 0
    random = torch.rand(SIDE**2, len(result), generator=torch.Generator().manual_seed(SEED)) * 2 - 1
    random[SIDE**2 // 2] = 0
    return result + noise * spread * random
