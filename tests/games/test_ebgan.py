"""EBGAN: the margin and the pulling-away term have the values of their formulas."""

from __future__ import annotations

import pytest
import torch
from playing import built, one_round

from ganvas.errors import InputError
from ganvas.games.ebgan import EBGAN, alike, margin_loss
from ganvas.spaces.toys import ring


def test_made_samples_beyond_the_margin_cost_nothing() -> None:
    r, f = -torch.tensor([0.1, 0.3]), -torch.tensor([0.5, 2.0, 1.0, 0.0])
    assert float(margin_loss(r, f, 1.0)) == pytest.approx(0.2 + (0.5 + 0 + 0 + 1.0) / 4)


def test_only_made_samples_within_the_margin_move_d() -> None:
    f = -torch.tensor([0.5, 2.0], requires_grad=False)
    f.requires_grad_()
    margin_loss(torch.zeros(1), f, 1.0).backward()
    assert f.grad is not None
    assert f.grad.tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([[1.0, 0.0], [0.0, 5.0]], 0.0),
        ([[1.0, 1.0], [-2.0, -2.0], [3.0, 3.0]], 1.0),
        ([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], (2 * 0.5 + 2 * 0.5 + 0) / 6),
        ([[1.0, 2.0]], 0.0),
    ],
)
def test_codes_that_point_the_same_way_pull(codes: list[list[float]], expected: float) -> None:
    assert float(alike(torch.tensor(codes))) == pytest.approx(expected, abs=1e-6)


def test_the_term_is_weighted_into_the_loss_of_g() -> None:
    data = ring(count=500)
    plain, pulled = (one_round(built(data, EBGAN, pulling_away=w), data)[1][1].loss for w in (0.0, 2.0))
    assert 0 < float(pulled - plain) <= 2.0


@pytest.mark.parametrize("flags", [{"margin": 0.0}, {"pulling_away": -1.0}])
def test_impossible_settings_are_refused(flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--margin"):
        built(ring(count=100), EBGAN, **flags)
