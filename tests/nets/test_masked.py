"""The masked autoencoder: a proper distribution over rows, one token at a time, each from what it may see alone."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.nets import masked
from ganvas.spaces.tables import Table, tables
from ganvas.spaces.toys import ring

RANDOM = np.random.default_rng(0)


def small(n: int = 400) -> pd.DataFrame:
    """Three columns of few outcomes: a class, a number with holes that follows it, a boolean."""
    kind = RANDOM.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    size = np.select([kind == "a", kind == "b"], [1.0, 2.0], 4.0)
    return pd.DataFrame({"kind": kind, "size": np.where(RANDOM.random(n) < 0.1, np.nan, size), "flag": size > 1.5})


def space_of(frame: pd.DataFrame, constraints: str | None = None) -> Table:
    found = tables(frame, holdout=0.0, constraints=constraints).space
    assert isinstance(found, Table)
    return found


def net_of(space: Table, **flags: int) -> masked.Generator:
    torch.manual_seed(0)
    made = masked.Generator(space, units=12, **flags)
    for p in made.parameters():  # weights of the start say too little
        torch.nn.init.normal_(p, std=0.5)
    return made.eval()


def every_row(net: masked.Generator, space: Table) -> Tensor:
    """All rows there can be [n, d]."""
    blocks = []
    for j, token in enumerate(space.tokens):
        share = torch.eye(token.outcomes)
        blocks.append(net.tokens.block(j, share, torch.full((token.outcomes, 2), 0.5)))
    return torch.stack([torch.cat(row) for row in itertools.product(*blocks)])


def test_the_shares_of_all_rows_sum_to_one_in_any_order() -> None:
    space = space_of(small())
    net = net_of(space)
    x = every_row(net, space)
    assert len(x) == 3 * 4 * 2
    for order in itertools.permutations(range(3)):
        rank = torch.tensor(order)
        sees = (rank[None, :] < rank[:, None]).float().expand(len(x), -1, -1)
        total = net.surprise(x, sees).sum(1).neg().exp().sum()
        torch.testing.assert_close(total, torch.ones(()))


def test_a_token_sees_what_it_may_see_and_nothing_else() -> None:
    """The gradient of a token's surprise is zero at every hidden one, and not at the seen ones."""
    frame = pd.DataFrame({c: RANDOM.normal(size=300) for c in "abcd"})
    net, space = net_of(space_of(frame)), space_of(frame)
    x = space.encode(space.read(frame[:8])).requires_grad_()
    sees = (torch.rand(8, 4, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float() * (1 - torch.eye(4))
    for j in range(4):
        e = net.look(x, net.tokens.outcomes(x))
        hidden = net.read(x, net.tokens.outcomes(x), sees)[j]
        (slope,) = torch.autograd.grad(hidden.square().sum(), x)
        assert e.shape[1] == 4
        assert ((slope != 0) == (sees[:, j] > 0)).all()


def test_rows_are_drawn_with_the_shares_that_the_net_says() -> None:
    space = space_of(small())
    net = net_of(space)
    z = torch.randn(20_000, net.latent, generator=torch.Generator().manual_seed(1))
    made = net(z)
    rows = every_row(net, space)
    first_to_last = torch.tril(torch.ones(3, 3), -1).expand(len(rows), -1, -1)
    share = net.surprise(rows, first_to_last).sum(1).neg().exp()
    which = [tuple(row) for row in net.tokens.outcomes(made).tolist()]
    for row, expected in zip(net.tokens.outcomes(rows).tolist(), share.tolist(), strict=True):
        assert which.count(tuple(row)) / len(which) == pytest.approx(expected, abs=0.013)


def test_what_is_known_stays_and_the_rest_is_drawn_from_the_conditional() -> None:
    space = space_of(small())
    net = net_of(space)
    x = space.encode(np.array([[1.0, 2.0, np.nan]])).expand(20_000, -1)
    known = torch.tensor([[True, True, False]]).expand(20_000, -1)
    done = net.complete(torch.randn(20_000, net.latent, generator=torch.Generator().manual_seed(2)), x, known)
    raw = space.decode(done)
    assert (raw[:, 0] == 1).all()
    assert (raw[:, 1] == 2.0).all()
    (share,) = net.shares(x[:1], known[:1])[2:]
    assert np.mean(raw[:, 2] == 1) == pytest.approx(float(share[0, 1].detach()), abs=0.015)


def test_a_row_follows_from_its_numbers_alone() -> None:
    space = space_of(small())
    net = net_of(space)
    z = torch.randn(40, net.latent)
    torch.testing.assert_close(net(z)[7:9], net(z[7:9]))


def test_orders_are_orders() -> None:
    """What a token may see are the tokens before it in some order: of a pair exactly one sees the other."""
    space = space_of(small())
    net = net_of(space)
    x = space.encode(space.read(small(64)))
    sees = net.orders(Batch(x))
    assert (sees + sees.transpose(1, 2) == 1 - torch.eye(3)).all()
    assert len({tuple(one.flatten().tolist()) for one in sees}) == 6  # all orders of three occur


def test_holes_are_neither_seen_nor_learnt() -> None:
    space = space_of(small())
    net = net_of(space)
    raw = space.read(small(64))
    sees, there = net.gaps(Batch(space.encode(raw)))
    assert (there.numpy() == ~np.isnan(raw)).all()
    assert (sees[~np.isnan(raw[:, 1])][:, :, 1].sum() > 0).item()
    assert (sees[np.isnan(raw[:, 1])][:, :, 1] == 0).all()
    assert (sees.diagonal(dim1=1, dim2=2) == 0).all()


def test_the_path_back_through_a_made_row_reaches_every_weight() -> None:
    space = space_of(small())
    net = net_of(space).train()
    made = net(torch.randn(64, net.latent))
    critic = masked.Discriminator(space, hidden=16)
    critic(Batch(made)).mean().backward()
    without = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    assert not without


def test_constraints_are_kept_by_an_untrained_net() -> None:
    lower = RANDOM.integers(0, 50, 300)
    frame = pd.DataFrame({"low": lower, "high": lower + RANDOM.integers(0, 9, 300), "x": RANDOM.random(300) + 0.1})
    space = space_of(frame, "low <= high; x > 0")
    raw = space.decode(net_of(space)(torch.randn(2_000, 6)))
    assert (raw[:, 0] <= raw[:, 1]).all()
    assert (raw[:, 2] > 0).all()
    free = space_of(frame)
    raw = free.decode(net_of(free)(torch.randn(2_000, 6)))
    assert (raw[:, 0] > raw[:, 1]).any()  # without being told, it would not


def test_many_categories_are_two_small_softmaxes() -> None:
    frame = pd.DataFrame({"city": [f"c{i}" for i in range(3_000)] * 2, "x": RANDOM.normal(size=6_000)})
    space = space_of(frame)
    net = masked.Generator(space, units=8)
    assert [token.outcomes for token in space.tokens[:2]] == [55, 55]
    assert sum(p.numel() for p in net.parameters()) < 20_000
    raw = space.decode(net(torch.randn(512, net.latent)))
    assert raw[:, 0].max() < 3_000


def test_other_data_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="masked plays on tables"):
        masked.Generator(ring(count=50).space)
