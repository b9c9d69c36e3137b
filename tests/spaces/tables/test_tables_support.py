"""What is left to each column: shares in closed form, and rows that keep all that is asked, whatever a net says."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from ganvas.errors import InputError
from ganvas.layers.tokens import Tokens
from ganvas.spaces.tables import Table, tables
from ganvas.spaces.tables.spans import Span, bins
from ganvas.spaces.tables.support import Support
from ganvas.spaces.tables.where import where

RANDOM = np.random.default_rng(0)
N = 400
FRAME = pd.DataFrame({"low": RANDOM.integers(0, 20, N), "free": np.sort(RANDOM.normal(size=N))})
FRAME["middle"] = FRAME["low"] + RANDOM.integers(1, 5, N) / 4
FRAME["high"] = np.ceil(FRAME["middle"]) + RANDOM.integers(0, 5, N)
FRAME["hole"] = (FRAME["high"] + 1).where(RANDOM.random(N) < 0.7)
FRAME["city"] = RANDOM.choice(["Rome", "Milan", "Paris", None], N)
FRAME["state"] = FRAME["city"].map({"Rome": "I", "Milan": "I", "Paris": "F"})
FRAME["tax"] = FRAME["state"].map({"I": 0.22, "F": 0.2})
FRAME["small"] = pd.Categorical.from_codes(RANDOM.integers(0, 3, N), list("SML"), ordered=True)
FRAME["large"] = pd.Categorical.from_codes(
    np.minimum(FRAME["small"].cat.codes + RANDOM.integers(0, 2, N), 2), list("SML"), ordered=True
)
FRAME["many"] = [f"name {i % 150}" for i in range(N)]
FRAME["start"] = pd.Timestamp("1850-01-01") + pd.to_timedelta(RANDOM.integers(0, 3000, N), unit="D")
FRAME["end"] = FRAME["start"] + pd.to_timedelta(RANDOM.integers(1, 99, N) * 3600, unit="s")
RULES = [
    "middle <= high",
    "high < hole",
    "low < middle",
    "0 <= low",
    "(city, state, tax)",
    "small <= large",
    "start < end",
    "end > 1850-01-01",
]
SPACE = tables(FRAME, constraints=RULES, holdout=0.0).space
assert isinstance(SPACE, Table)
NUMBER = {field.name: i for i, field in enumerate(SPACE.fields)}


def made(support: Support, n: int = 300, seed: int = 0, order: Any = None) -> np.ndarray:
    """Rows of a network that knows nothing: each outcome is as likely as the next, before the support has its say."""
    tokens, random = Tokens(SPACE), torch.Generator().manual_seed(seed)
    x, seen = torch.zeros(n, *SPACE.shape), torch.zeros(n, len(SPACE.tokens))
    for j in range(len(SPACE.tokens)) if order is None else order:
        token = SPACE.tokens[j]
        allowed, low, high = support(j, x, seen)
        share = torch.rand(n, token.outcomes, generator=random) * allowed
        assert (share.sum(1) > 0).all(), SPACE.fields[token.field].name
        block = tokens.block(j, share, torch.rand(n, 2, generator=random), low, high)
        x = torch.cat([x[:, : token.start], block, x[:, token.start + token.width :]], 1)
        seen[:, j] = 1
    return support.settled(SPACE.decode(x))


def test_whatever_is_made_keeps_all_constraints() -> None:
    support = Support(SPACE)
    for seed in range(3):
        order = None if not seed else torch.randperm(len(SPACE.tokens), generator=torch.Generator().manual_seed(seed))
        raw = made(support, seed=seed, order=None if order is None else order.tolist())
        assert SPACE.allowed(raw).all()
        assert SPACE.allowed(SPACE.read(SPACE.frame(raw))).all()
        assert np.isnan(raw[:, NUMBER["hole"]]).any()
        assert len(np.unique(raw[:, NUMBER["city"]][~np.isnan(raw[:, NUMBER["city"]])])) == 3


@pytest.mark.parametrize(
    "text",
    [
        "low > 10 and high < 15",
        "high < 6",
        "hole = 12",
        "hole is null and low >= 19",
        "state = 'F'",
        "tax < 0.21",
        "city in ('Rome', 'Paris') and tax > 0.2",
        "small = 'L'",
        "large = 'S'",
        "many in ('name 7', 'name 149')",
        "many <> 'name 7' and state is null",
        "\"end\" < '1850-02-01' and free > 0.123456",
        "low in (3, 15) and high in (6, 20)",
        "low < 3 or low > 17",
        "free between 0 and 0.001",
        "free <> 0 and not (middle > 2 and middle < 18)",
        "start = '1855-01-01'",
    ],
)
def test_whatever_is_made_keeps_what_is_asked(text: str) -> None:
    spans = where(text, SPACE)
    raw = made(Support(SPACE, spans), seed=1)
    assert SPACE.allowed(raw).all()
    frame = SPACE.frame(raw)
    for number, span in spans.items():
        v = raw[:, number]
        there = v[~np.isnan(v)]
        assert span.missing or len(there) == len(v)
        if span.classes is not None:
            assert set(there) <= set(span.classes)
        else:
            assert np.any([(there >= low) & (there <= high) for low, high in span.pieces], 0).all()
    assert (frame.dtypes.drop("hole") == FRAME.dtypes.drop("hole")).all()


@pytest.mark.parametrize(
    "text",
    [
        "city = 'Rome' and state = 'F'",
        "tax > 0.21 and state = 'F'",
        "small = 'L' and large = 'S'",
        "low = 15 and high = 10",
        "\"end\" < '1853-01-05' and start > '1854-01-06'",
    ],
)
def test_what_contradicts_a_constraint_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"no value that column .* had in training is left"):
        Support(SPACE, where(text, SPACE))


def test_the_share_of_a_bin_in_closed_form() -> None:
    """Bins of repeated values are in or out; others are cut where the condition cuts their normal scores."""
    low, free = SPACE.fields[NUMBER["low"]], SPACE.fields[NUMBER["free"]]
    assert bins(low, Span(pieces=((3, 5), (7, 7)))).tolist() == [[float(i in (3, 4, 5, 7)) for i in range(20)]]
    cut = float(free.decode(free.edges[40:42].mean(keepdims=True))[0])
    found = bins(free, Span(pieces=((cut, np.inf),)))[0]
    assert found == pytest.approx([0.0] * 40 + [0.5] + [1.0] * (free.bins - 41), abs=1e-6)
    within = bins(free, Span(pieces=((-np.inf, cut),)), np.array([-np.inf, cut]), np.array([np.inf, np.inf]))
    assert within[0] + found == pytest.approx(np.ones(free.bins))
    assert within[1].sum() <= 1.0
    assert bins(free, Span(pieces=((cut, cut),)))[0].argmax() == 40
    assert not bins(free, Span(pieces=())).any()


def test_what_goes_together_and_nothing_else() -> None:
    support = Support(SPACE)
    names = ("city", "state", "tax")
    members = [next(j for j, token in enumerate(SPACE.tokens) if token.field == NUMBER[name]) for name in names]
    raw = np.zeros((3, len(SPACE.fields)))
    raw[:, NUMBER["city"]] = [0, 1, np.nan]  # Milan, Paris, none
    x, seen = SPACE.encode(raw), torch.zeros(3, len(SPACE.tokens))
    seen[:, members[0]] = 1
    assert support(members[1], x, seen)[0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]  # I, F, none
    assert support(members[2], x, seen)[0].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_settled_rows_keep_what_is_given() -> None:
    support = Support(SPACE)
    names = ("low", "middle", "high", "hole")
    raw = np.tile(np.nan, (2, len(SPACE.fields)))
    raw[:, [NUMBER[name] for name in names]] = [[5.0, 4.0, 3.0, 2.0], [5.0, 4.0, 3.0, np.nan]]
    found = support.settled(raw)
    assert found[0, [NUMBER[name] for name in names]].tolist() == [5.0, 5.01, 6.0, 7.0]
    kept = np.zeros(raw.shape, bool)
    kept[:, [NUMBER["middle"]]] = True
    found = support.settled(raw, kept)
    assert found[0, [NUMBER[name] for name in names]].tolist() == [3.0, 4.0, 4.0, 5.0]
    assert found[1, [NUMBER[name] for name in names[:3]]].tolist() == [3.0, 4.0, 4.0]


def test_without_constraints_and_conditions_it_is_idle() -> None:
    space = tables(FRAME[["low", "free"]], holdout=0.0).space
    assert isinstance(space, Table)
    assert Support(space).idle
    assert not Support(SPACE).idle
    x, seen = torch.zeros(2, *space.shape), torch.zeros(2, 2)
    for j in itertools.islice(itertools.count(), 2):
        allowed, low, high = Support(space)(j, x, seen)
        assert (allowed == 1).all()
        assert low is not None
        assert high is not None
        assert (low < -4).all()
        assert (high > 4).all()
