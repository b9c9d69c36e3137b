"""Modes covered and how evenly, against counts by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ganvas.errors import InputError
from ganvas.metrics.mode_coverage import mode_coverage, stacked_classes


def test_even_coverage_of_all_and_of_half() -> None:
    mode, good = torch.arange(40) % 8, torch.ones(40, dtype=torch.bool)
    assert mode_coverage(mode, good, 8) == (8, 8, 1.0, pytest.approx(0, abs=1e-12))
    assert mode_coverage(mode, good, 16) == (8, 16, 1.0, pytest.approx(math.log(2)))
    assert mode_coverage(torch.zeros(40, dtype=torch.long), good, 8).reverse_kl == pytest.approx(math.log(8))


def test_only_good_samples_count() -> None:
    mode, good = torch.tensor([0, 0, 1, 2, 2, 3]), torch.tensor([True, True, True, False, False, True])
    found = mode_coverage(mode, good, 4)
    assert found[:3] == (3, 4, pytest.approx(4 / 6))
    assert found.reverse_kl == pytest.approx(0.5 * math.log(0.5 * 4) + 2 * 0.25 * math.log(0.25 * 4))
    assert mode_coverage(mode, good, 4, least=2).covered == 1
    assert mode_coverage(mode, torch.zeros(6, dtype=torch.bool), 4) == (0, 4, 0.0, None)


def test_divergence_from_the_datas_own_modes() -> None:
    mode, good = torch.tensor([0, 0, 0, 1]), torch.ones(4, dtype=torch.bool)
    assert mode_coverage(mode, good, 2, real=torch.tensor([30, 10])).reverse_kl == pytest.approx(0, abs=1e-12)
    found = mode_coverage(mode, good, 2, real=torch.tensor([0.5, 0.5])).reverse_kl
    assert found == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))


def test_a_fair_sample_has_the_bias_that_the_docstring_tells() -> None:
    random = torch.Generator().manual_seed(0)
    mode = torch.randint(1000, (25_600,), generator=random)
    found = mode_coverage(mode, torch.ones(25_600, dtype=torch.bool), 1000)
    assert found.covered == 1000
    assert found.reverse_kl == pytest.approx(999 / 51_200, rel=0.15)


def test_three_digits_are_a_thousand_modes() -> None:
    digits = torch.cartesian_prod(*[torch.arange(10)] * 3)
    assert torch.equal(stacked_classes(digits), torch.arange(1000))
    assert stacked_classes(torch.tensor([[9, 0, 4]])).tolist() == [904]


def test_what_does_not_fit_is_refused() -> None:
    good = torch.ones(3, dtype=torch.bool)
    for mode in (torch.tensor([0, 1, 4]), torch.tensor([-1, 0, 1]), torch.tensor([0, 1])):
        with pytest.raises(InputError, match=r"a mode in 0 … 3"):
            mode_coverage(mode, good, 4)
    for real in (torch.ones(3), torch.tensor([1.0, 0.0, 1.0, 1.0])):
        with pytest.raises(InputError, match="4 modes"):
            mode_coverage(torch.tensor([0, 1, 2]), good, 4, real=real)
    for digits in (torch.tensor([[1, 2]]), torch.tensor([[1, 2, 10]])):
        with pytest.raises(InputError, match="three digits"):
            stacked_classes(digits)
