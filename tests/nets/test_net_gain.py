"""The players of GAIN: what is known stays, holes are filled within what is allowed."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import Tensor

from ganvas.game import Batch
from ganvas.nets import gain
from ganvas.spaces.tables import Table, tables
from make import mixed, table


@pytest.fixture(scope="module")
def space() -> Table:
    found = table().space
    assert isinstance(found, Table)
    return found


def net_of(space: Table) -> gain.Generator:
    torch.manual_seed(0)
    return gain.Generator(space, hidden=16).eval()


def test_what_says_missing(space: Table) -> None:
    assert gain.absent(space).tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    frame = pd.DataFrame({"c": ["x", None, "y"] * 9})
    found = tables(frame, holdout=0.0).space
    assert isinstance(found, Table)
    assert gain.absent(found).tolist() == [0, 0, 1]


def test_chance_stands_in_the_holes_alone(space: Table) -> None:
    net, x = net_of(space), torch.randn(5, 8)
    z, other, all_known = torch.randn(5, 8), torch.randn(5, 8), torch.ones(5, 8)
    assert torch.equal(net(z, torch.cat([x, all_known], 1)), net(other, torch.cat([x, all_known], 1)))
    nothing = torch.zeros(5, 8)
    assert torch.equal(net(z), net(z, torch.cat([nothing, nothing], 1)))
    assert not torch.equal(net(z), net(other))


def test_known_columns_stay_and_the_others_become_valid(space: Table) -> None:
    net, x = net_of(space), space.encode(space.read(mixed(50)))
    known = torch.rand(50, 4) < 0.5
    made = net.complete(torch.randn(50, 8), x, known)
    seen = known[:, net.part]
    assert torch.equal(made[seen], x[seen])
    assert torch.equal(made[:, :3].sum(1), torch.ones(50))
    assert not torch.equal(made, x)


def test_values_of_holes_are_not_looked_at(space: Table) -> None:
    net, x = net_of(space), space.encode(space.read(mixed(20)))
    z, known = torch.randn(20, 8), torch.tensor([True, False, False, True]).expand(20, 4)
    other = x.clone()
    other[:, 3:6] = 7.0
    assert torch.equal(net.complete(z, x, known), net.complete(z, other, known))


def test_support_bounds_scores_and_rules_out_outcomes(space: Table) -> None:
    """Only class 2 of the first column; x between 0.1 and 0.2; what has holes is there; no word on the truth."""
    asked: list[tuple[int, list[bool]]] = []

    def support(j: int, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        asked.append((j, seen[0].tolist()))
        n, token = len(x), space.tokens[j]
        allowed = torch.ones(1, token.outcomes)
        if j == 0:
            allowed[:, :2] = 0
        if j == 2:
            allowed[:, -1] = 0
        return allowed, *((torch.full((n,), 0.1), torch.full((n,), 0.2)) if token.numeric else (None, None))

    net = net_of(space)
    nothing = torch.zeros(30, 4, dtype=torch.bool)
    made = net.complete(torch.randn(30, 8), torch.zeros(30, 8), nothing, support, first=[2])
    assert [j for j, _ in asked] == [2, 0, 1, 3]
    assert asked[1][1] == [False, False, True, False]
    assert torch.equal(made[:, :3], torch.tensor([0.0, 0.0, 1.0]).expand(30, 3))
    assert bool(((made[:, 3:5] >= 0.1 - 1e-6) & (made[:, 3:5] <= 0.2 + 1e-6)).all())
    assert not made[:, 5].any()
    must = gain.narrowed(torch.zeros(1, 2), True, torch.tensor([[0.0, 1.0]]), None, None)
    assert must[0, 1] > 1e6  # nothing but "missing" is left


def test_hints_are_heard(space: Table) -> None:
    torch.manual_seed(0)
    D, x = gain.Spotter(space, hidden=8), torch.randn(4, 8)
    assert D(Batch(x)).shape == (4, 4)
    assert torch.equal(D(Batch(x)), D(Batch(x, torch.full((4, 4), 0.5))))
    assert not torch.equal(D(Batch(x)), D(Batch(x, torch.ones(4, 4))))
