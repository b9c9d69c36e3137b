"""Rows of a table from a run: as many as asked for, under conditions, or completed from what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
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

CANDIDATES = 4  # for each row with conditions on several columns


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
    given = np.full((len(indices), len(space.fields)), np.nan) if known is None else space.read(known)
    for number, span in spans.items():
        if span.only is not None:
            given[:, number] = span.only
    first = [j for j, token in enumerate(space.tokens) if token.field in spans]  # the others then go by them
    if len(given) != len(indices):
        raise InputError(f"{len(given)} known rows for {len(indices)} rows to make; give as many")
    z = torch.from_numpy(generator.prior.latents(seed, indices)[0])
    x, there = space.encode(given), ~np.isnan(given)
    told = torch.from_numpy(there[:, [token.field for token in space.tokens]])
    parts = []
    with torch.no_grad():
        for i in range(0, len(z), ROWS):
            chosen = i + np.arange(ROWS) % min(ROWS, len(z) - i)  # a short chunk is filled up: rounding is the same
            part = x[chosen], told[chosen]
            if isinstance(net, Autoregressive) and len({space.tokens[j].field for j in first}) > 1:
                part = weighed(net, part, support, first, (seed, 3), [indices[int(k)] for k in chosen])
            parts.append(space.decode(net.complete(z[chosen], *part, support, first))[: len(z) - i])
    raw = np.where(there, given, np.concatenate(parts))
    return support.settled(raw, there)


def frame(run: Run | str | Path, n: int = 0, seed: int = 0, where: str | None = None, known: Any = None) -> Any:
    """``n`` rows of a run's table as a pandas DataFrame like the one it was trained on; see ``rows``.

    With ``known``, a DataFrame whose missing values are to be filled, as many rows as it has.
    """
    run = run if isinstance(run, Run) else Run(run)
    count = n if known is None else len(known)
    if count < 1:
        raise InputError(f"n={count} rows; give 1 or more")
    return table(run).frame(rows(run, range(count), seed, where, known))


def weighed(
    net: Autoregressive,
    part: tuple[Tensor, Tensor],
    support: Support,
    first: Sequence[int],
    key: tuple[int, int],
    at: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """Rows whose columns ``first`` are decided under several conditions together, and what is known of them then.

    Decided one after the other, the first would not know of the conditions on the next. So CANDIDATES are drawn for
    each row, and one is kept with a chance that is its weight: how likely its values made what was allowed of the next
    (sampling importance resampling; Rubin 1988).
    """
    x, told = (half.repeat_interleave(CANDIDATES, 0) for half in part)
    z, u = numbers(key, at, CANDIDATES * net.latent, ROWS)  # of each row by its own number
    found, mass = net.decide(torch.from_numpy(z).view(len(x), -1), x, told, support, first)
    total = mass.view(-1, CANDIDATES).double().cumsum(1)
    chosen = torch.searchsorted(total, torch.from_numpy(u)[:, None] * total[:, -1:]).clamp_max(CANDIDATES - 1)
    known = part[1].clone()
    known[:, list(first)] = True
    return found.view(len(total), CANDIDATES, -1)[torch.arange(len(total)), chosen[:, 0]], known
