"""Nearest neighbours against SciPy, and where they are hard: near copies, ties, blocks."""

from __future__ import annotations

import pytest
import torch
from scipy.spatial.distance import cdist

from ganvas.errors import InputError
from ganvas.metrics import neighbours
from ganvas.metrics.neighbours import check_sets, distances, nearest, radii

RANDOM = torch.Generator().manual_seed(0)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=RANDOM, dtype=torch.float64)


@pytest.mark.parametrize("block", [1, 100, 2**22])
def test_distances_are_those_of_scipy_in_any_block_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", block)
    queries, points = normal(31, 7), normal(23, 7)
    found = torch.cat([gaps for _, gaps in distances(queries, points)])
    torch.testing.assert_close(found, torch.from_numpy(cdist(queries, points)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("block", [50, 2**22])
def test_nearest_others_are_those_of_a_sorted_table(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "BLOCK", block)
    points = normal(40, 3)
    table = torch.from_numpy(cdist(points, points)).fill_diagonal_(torch.inf)
    found, where = nearest(points, points, 4, itself=True)
    expected, order = table.sort(1)
    torch.testing.assert_close(found, expected[:, :4])
    assert torch.equal(where, order[:, :4])
    assert torch.equal(radii(points, 4), found[:, 3])


def test_a_copy_is_at_distance_zero() -> None:
    points = 1e3 * normal(300, 40) + 7
    found, where = nearest(points.clone(), points, 2)
    assert torch.equal(where[:, 0], torch.arange(300))
    assert not found[:, 0].any()
    assert found[:, 1].all()


def test_float32_far_from_the_origin_keeps_the_small_gaps() -> None:
    points = (1000 + normal(50, 16)).float()
    copies = points + torch.tensor(2.0**-10)
    found, where = nearest(copies, points)
    assert torch.equal(where[:, 0], torch.arange(50))
    torch.testing.assert_close(found[:, 0], torch.full((50,), 4 * 2.0**-10).double(), rtol=1e-6, atol=0)


def test_ties_of_whole_numbers_are_exact() -> None:
    points = torch.randint(0, 256, (60, 192), generator=RANDOM).float()
    (_, gaps), *_ = distances(points, points)
    exact = (points.long()[:, None] - points.long()).square().sum(2)
    assert torch.equal(gaps, exact.double().sqrt())


def test_what_is_no_pair_of_feature_sets_is_refused_in_one_line() -> None:
    good, broken = normal(5, 3), normal(5, 3)
    broken[2, 1] = torch.nan
    for real, fake, words in (
        (good, normal(5, 4), "one width"),
        (good, normal(5), "one width"),
        (good[:1], good, "2 rows or more"),
        (good, broken, "finite"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            check_sets(real, fake)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="5 neighbours"):
        radii(good, 5)
