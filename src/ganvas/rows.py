"""Rows of a table from a run: as many as asked for, under conditions, or completed from what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.generator import Generator
from ganvas.latents import ROWS, numbers
from ganvas.players import Autoregressive, Completer
from ganvas.run import Run
from ganvas.spaces.tables.layout import names_of
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.spans import Span
from ganvas.spaces.tables.support import Support
from ganvas.spaces.tables.where import where as read_where

TRIES = 4  # drafts of a row's columns under conditions, at most, where they are several


def table(run: Run) -> Table:
    """The space of a run of a table. InputError for any other run."""
    if not isinstance(run.space, Table):
        raise InputError(f"{run.path} was not trained on a table, so it has no rows and no --where")
    return run.space


def completer(generator: Generator) -> Completer:
    """The network that completes rows. InputError for a generator that only makes whole ones."""
    if not isinstance(generator.net, Completer):
        raise InputError(
            "this run's generator cannot be told columns; train with --game taegan (the default for tables)"
        )
    return generator.net


def rows(run: Run, indices: Sequence[int], seed: int = 0, where: str | None = None, known: Any = None) -> np.ndarray:
    """Raw rows [n, fields] number ``indices`` of ``seed``, all of which satisfy ``where`` and the run's constraints.

    None is made and thrown away: each column is decided among the values that are left to it. ``known`` is a pandas
    DataFrame of as many rows, whose values stay as they are; its missing ones are filled, and columns that it does not
    have are made. Raises InputError for a condition that is not understood or cannot be met.
    """
    space, generator = table(run), run.generator
    if where is None and known is None:
        raw, _ = run.samples(indices, seed)
        return Support(space).settled(raw)
    net = completer(generator)
    if where and not isinstance(net, Autoregressive):
        raise InputError("this run's generator fills in what is missing, no more; for --where train with --game taegan")
    spans = read_where(where, space) if where else {}
    named = () if known is None else names_of(known)
    filled = [n for n, field in enumerate(space.fields) if field.name in named]  # nothing stays missing there
    support = Support(space, spans | {n: spans.get(n, Span()).both(Span(missing=False)) for n in filled})
    given = np.full((1, len(space.fields)), np.nan) if known is None else space.read(known)
    for number, span in spans.items():
        if span.only is not None:
            given[:, number] = span.only
    first = [j for j, token in enumerate(space.tokens) if token.field in spans]  # the others then go by them
    if known is not None and len(given) != len(indices):
        raise InputError(f"{len(given)} known rows for {len(indices)} rows to make; give as many")
    z = torch.from_numpy(generator.prior.latents(seed, indices)[0])
    there = ~np.isnan(given)
    told = torch.from_numpy(there[:, [token.field for token in space.tokens]]).expand(len(z), -1)
    x, parts = space.encode(given).expand(len(z), -1), []
    with torch.no_grad():
        if isinstance(net, Autoregressive) and sum(span.only is None for span in spans.values()) > 1:
            x, told = drafted(net, (x, told), support, first, seed, indices)
        for chosen, count in chunks(len(z)):
            parts.append(space.decode(net.complete(z[chosen], x[chosen], told[chosen], support, first))[:count])
    there = np.broadcast_to(there, (len(z), len(space.fields)))
    return support.settled(np.where(there, given, np.concatenate(parts)), there)


def frame(run: Run | str | Path, n: int = 0, seed: int = 0, where: str | None = None, known: Any = None) -> Any:
    """``n`` rows of a run's table as a pandas DataFrame like the one it was trained on; see ``rows``.

    With ``known``, a DataFrame whose missing values are to be filled, as many rows as it has.
    """
    run = run if isinstance(run, Run) else Run(run)
    count = n if known is None else len(known)
    if count < 1:
        raise InputError(f"n={count} rows; give 1 or more")
    return table(run).frame(rows(run, range(count), seed, where, known))


def chunks(n: int) -> Iterator[tuple[Tensor, int]]:
    """The numbers [ROWS] of ``n`` rows, a chunk at a time, and how many of them are its own: a short one is filled up,
    so rounding does not depend on n."""
    for start in range(0, n, ROWS):
        count = min(ROWS, n - start)
        yield start + torch.arange(ROWS) % count, count


def drafted(
    net: Autoregressive,
    part: tuple[Tensor, Tensor],
    support: Support,
    first: Sequence[int],
    seed: int,
    indices: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """Rows whose columns ``first`` are decided under several conditions together, and what is known of them then.

    Decided one after the other, a column would not know of the conditions on the next ones. So a draft of these columns
    is taken with a chance that is its weight w, how likely its values made what was allowed of the next, which is exact
    (von Neumann 1951). Of TRIES drafts none of which was taken one is kept, by what the weights of such drafts are,
    w / (1 - w) (sampling importance resampling; Rubin 1988): that which comes first when each takes an exponential time
    at this rate (Efraimidis & Spirakis 2006).
    """
    x, told = part[0].clone(), part[1].clone()
    told[:, list(first)] = True
    soonest, left = torch.full((len(x),), torch.inf, dtype=torch.float64), torch.arange(len(x))
    for number in range(TRIES):
        z, u = numbers((seed, 3 + number), [indices[i] for i in left.tolist()], net.latent, ROWS)
        for chosen, count in chunks(len(left)):
            draft, mass = net.decide(
                torch.from_numpy(z)[chosen], part[0][left[chosen]], part[1][left[chosen]], support, first
            )
            own, w = left[chosen[:count]], mass[:count].double().clamp(1e-12, 1 - 1e-12)
            v = torch.from_numpy(u)[chosen[:count]]
            time = torch.where(v < w, 0.0, -((v - w).clamp_min(1e-300) / (1 - w)).log() * (1 - w) / w)
            sooner = time < soonest[own]
            x[own[sooner]] = draft[:count][sooner]
            soonest[own] = torch.minimum(time, soonest[own])
        left = left[soonest[left] > 0]
    return x, told
