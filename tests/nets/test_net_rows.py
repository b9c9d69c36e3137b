"""The players of CTGAN and TVAE: rows are drawn as the logits say, classes asked for as told, packs judged as one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from ganvas.game import Batch
from ganvas.nets import rows
from ganvas.spaces.tables import Table, tables
from make import table


@pytest.fixture(scope="module")
def space() -> Table:
    found = table().space
    assert isinstance(found, Table)
    return found


def net_of(space: Table, **flags: int) -> rows.Generator:
    torch.manual_seed(0)
    return rows.Generator(space, code=4, hidden=8, **flags).eval()


def test_marks_follow_from_the_space(space: Table) -> None:
    """Columns: kind (3 classes), x, hole and its flag, truth (2 classes)."""
    net = net_of(space)
    assert net.part.tolist() == [0, 0, 0, 1, 2, 2, 3, 3]
    assert net.kind.tolist() == [1, 1, 1, 0, 0, 2, 1, 1]
    assert net.counts[:3].tolist() == space.fields[0].counts.tolist()
    assert net.counts[3:6].tolist() == [0, 0, 0]
    assert net.latent == 4 + 8 + 1


def test_the_halves_of_a_category_with_many_classes_are_counted_together() -> None:
    names = [f"{i % 150:03d}" for i in range(400)]
    found = tables(pd.DataFrame({"name": names}), holdout=0.0).space
    assert isinstance(found, Table)
    whole = found.fields[0].counts
    first, second = (rows.occurrences(whole, token) for token in found.tokens)
    assert len(first) == len(second) == 13
    assert first.sum() == second.sum() == 400
    assert first[0] == whole[:13].sum()
    assert second[0] == whole[::13].sum()


def test_without_noise_a_row_is_what_the_network_says(space: Table) -> None:
    net, z = net_of(space), torch.randn(6, 13)
    other = torch.cat([z[:, :4], torch.randn(6, 9)], 1)
    assert torch.equal(net(z), net(other))
    net.noise.fill_(1.0)
    assert not torch.equal(net(z), net(other))


def test_noise_makes_the_head_draw_from_the_softmax_and_the_sigmoid(space: Table) -> None:
    net = net_of(space)
    net.noise.fill_(1.0)
    logits = torch.tensor([1.0, 0.0, -1.0, 0.5, 0.5, 0.4, 0.0, 2.0])
    with torch.no_grad():
        net.last.weight.zero_()
        net.last.bias.copy_(logits)
        net.spread.fill_(float(np.log(0.25)))
        x = space.head()(net(torch.randn(20_000, 13)))
    share = x.mean(0)
    assert share[:3].tolist() == pytest.approx(logits[:3].softmax(0).tolist(), abs=0.015)
    assert share[6:].tolist() == pytest.approx(logits[6:].softmax(0).tolist(), abs=0.015)
    assert float(share[5]) == pytest.approx(float(logits[5].sigmoid()), abs=0.015)
    assert stats.kstest(x[:, 3].numpy(), stats.norm(0.5, 0.25).cdf).pvalue > 0.01


def test_classes_are_asked_for_as_often_as_told(space: Table) -> None:
    net = net_of(space)
    chance = torch.randn(20_000, 1)
    assert not net.asking(chance).any()
    net.asked[:3], net.asked[6:] = torch.tensor([0.4, 0.1, 0.0]), torch.tensor([0.3, 0.2])
    share = net.asking(chance).mean(0)
    assert share.tolist() == pytest.approx(net.asked.tolist(), abs=0.015)
    assert share[2] == 0


def test_a_pack_has_one_score_that_depends_on_each_of_its_rows(space: Table) -> None:
    torch.manual_seed(0)
    D, x, y = rows.Packed(space, hidden=8, pac=3).eval(), torch.randn(7, 8), torch.randn(7, 8)
    scores = D(Batch(x, y))
    assert scores.shape == (7,)
    assert len(set(scores.tolist())) == 3
    packs = D(Batch(x[:6].view(2, 3, 8), y[:6].view(2, 3, 8)))
    torch.testing.assert_close(packs, scores[[0, 3]])
    filled = D(Batch(x[[6, 0, 1]], y[[6, 0, 1]]))
    torch.testing.assert_close(filled[0], scores[6])
    changed = x.clone()
    changed[1] += 1
    assert (D(Batch(changed, y)) != scores).tolist() == [True] * 3 + [False] * 3 + [True]


def test_what_was_asked_for_is_judged_too(space: Table) -> None:
    torch.manual_seed(0)
    D, x = rows.Packed(space, hidden=8, pac=2).eval(), torch.randn(4, 8)
    assert torch.equal(D(Batch(x)), D(Batch(x, torch.zeros_like(x))))
    assert not torch.equal(D(Batch(x)), D(Batch(x, torch.ones_like(x))))
