"""Arithmetic with what samples have in common: smiling woman − woman + man = smiling man."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.exploring.latent import codes, drawn, needs_pictures, numbers, pieces
from ganvas.exploring.reader import Reader, reader
from ganvas.exploring.sheet import TITLED, page, place, save
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
    pool = codes(run, range(LEARNT), SEED, label)
    found = concepts(run, terms, label, pool, readers)
    means = torch.stack([concept.code.mean(0) for concept in found])
    result = torch.tensor([concept.sign for concept in found]).float() @ means
    rows = [torch.cat([examples(concept.code), mean[None]]) for concept, mean in zip(found, means, strict=True)]
    raw = drawn(run, torch.cat([*rows, around(run, result, noise, pool)]))
    above, made = raw[: -(SIDE**2)], raw[-(SIDE**2) :].reshape(SIDE, SIDE, *raw.shape[1:])
    below = np.concatenate([made, np.zeros_like(made[:, :1])], 1).reshape(-1, *raw.shape[1:])
    names = [f"{'+' if one.sign > 0 else '-'} {one.name}" for one in found]
    titles = [*map(str, range(1, EXAMPLES + 1)), "mean"]
    save(page(run, np.concatenate([above, below]), EXAMPLES + 1, titles, [*names, "", "=", ""], TITLED), path)
    told = [{"term": name, "samples": len(one.code)} for name, one in zip(names, found, strict=True)]
    middle = made[SIDE // 2, SIDE // 2][None]
    reads = {one.attribute: round(float(one(middle)[0]), 4) for one in readers.values()}
    return {"out": str(path), "terms": told} | ({"result_reads": reads} if reads else {})


def concepts(run: Run, terms: str, label: str | None, pool: Tensor, readers: Readers) -> list[Concept]:
    """The terms, each with the codes of its samples, attributes sought in the codes ``pool`` [n, k]; the readers that
    were needed are put into ``readers``."""
    words = terms.split()
    found = [part.groups() for word in words if (part := TERM.fullmatch(word))]
    if not 1 <= len(words) == len(found) <= MOST:
        raise InputError(f"--terms {terms[:60]!r}: write 1 to {MOST} terms with their signs, +0,1,2 -3,4,5 +6,7,8")
    read = {name: name.split(",") for _, name in found if "=" in name}
    for attribute in dict.fromkeys(one for several in read.values() for one in several):
        readers[attribute] = reader(run, attribute)
    has = having(run, pool, readers)
    made = []
    for sign, name in found:
        if name not in read:
            code = codes(run, numbers(name, "--terms"), label=label)
        elif len(code := pool[torch.stack([has[one] for one in read[name]]).all(0)]) < EXAMPLES:
            raise InputError(f"{len(code)} of {LEARNT:,} samples of {run.path} show {name}; {EXAMPLES} are needed")
        made.append(Concept(-1 if sign == "-" else 1, name, code))
    return made


def having(run: Run, code: Tensor, readers: Readers) -> dict[str, Tensor]:
    """Which of the samples of codes [n, k] have each attribute: booleans [n]."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in readers}
    for raw in pieces(run, code) if readers else ():
        for name, read in readers.items():
            found[name].append(read(raw) >= 0.5)
    return {name: torch.from_numpy(np.concatenate(parts)) for name, parts in found.items()}


def examples(code: Tensor) -> Tensor:
    """The first codes, repeated when there are few."""
    return code[torch.arange(EXAMPLES) % len(code)]


def around(run: Run, result: Tensor, noise: float, pool: Tensor) -> Tensor:
    """Codes around ``result`` [k], which is the middle one: [SIDE², k], with uniform noise up to ``noise``
    deviations of the codes ``pool`` [n, k]; conditions have none."""
    spread = pool.std(0)
    if not isinstance(run.generator.net, Mapped):
        spread[run.generator.prior.size :] = 0
    random = torch.rand(SIDE**2, len(result), generator=torch.Generator().manual_seed(SEED)) * 2 - 1
    random[SIDE**2 // 2] = 0
    return result + noise * spread * random
