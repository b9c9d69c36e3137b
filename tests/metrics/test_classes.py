"""Measures that need labels or class probabilities, against closed forms and the reference library."""

from __future__ import annotations

import types
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.classifier_accuracy import classifier_accuracy
from ganvas.metrics.frechet_distance import frechet_distance
from ganvas.metrics.inception_score import inception_score, mode_score
from ganvas.metrics.intra_class import intra_class
from ganvas.metrics.label_accuracy import label_accuracy


def logits(n: int, c: int, seed: int = 0) -> Tensor:
    return 3 * torch.randn(n, c, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_unsure_and_sure_classifiers() -> None:
    assert inception_score(torch.full((40, 8), 1 / 8)) == (pytest.approx(1), pytest.approx(0))
    assert inception_score(torch.eye(8).repeat(10, 1), splits=10) == (pytest.approx(8), pytest.approx(0))
    assert inception_score(torch.eye(8)[torch.zeros(50, dtype=torch.long)]).mean == pytest.approx(1)


def test_two_kinds_of_samples_by_hand() -> None:
    p = torch.tensor([[0.9, 0.1], [0.3, 0.7]], dtype=torch.float64)
    kl = (p * (p / p.mean(0)).log()).sum(1).mean()
    assert inception_score(p, splits=1).mean == pytest.approx(float(kl.exp()), rel=1e-12)


def test_splits_are_taken_in_order() -> None:
    sorted_, mixed = torch.eye(4).repeat_interleave(10, 0), torch.eye(4).repeat(10, 1)
    assert inception_score(sorted_, splits=4).mean == pytest.approx(1)
    assert inception_score(mixed, splits=4).mean > 3.8
    halves = inception_score(torch.cat([mixed[:20], sorted_[:20]]), splits=2)
    assert halves.mean == pytest.approx(3)  # (4 + 2) / 2
    assert halves.std == pytest.approx(1)


def test_inception_score_is_torch_fidelitys(peer: Callable[[str], types.ModuleType]) -> None:
    theirs = peer("torch_fidelity.metric_isc").isc_features_to_metric
    x = logits(503, 10)
    for splits in (1, 7, 10):
        ours = inception_score(x.softmax(1), splits)
        told = theirs(x, splits=splits, shuffle=False)
        assert ours.mean == pytest.approx(told["inception_score_mean"], rel=1e-10)
        assert ours.std == pytest.approx(told["inception_score_std"], rel=1e-8, abs=1e-12)


def test_mode_score_is_the_inception_score_less_what_is_missed() -> None:
    fake, real = logits(300, 5).softmax(1), logits(200, 5, seed=1).softmax(1)
    p, q = fake.mean(0), real.mean(0)
    missed = float((p * (p / q).log()).sum())
    expected = inception_score(fake, splits=1).mean * np.exp(-missed)
    assert mode_score(fake, real) == pytest.approx(expected, rel=1e-12)
    assert mode_score(fake, fake) == pytest.approx(inception_score(fake, splits=1).mean, rel=1e-12)


def test_mode_score_of_a_generator_with_half_of_the_classes() -> None:
    balanced, half = torch.eye(4).repeat(5, 1), torch.eye(4)[:2].repeat(5, 1)
    assert mode_score(balanced, balanced) == pytest.approx(4)
    assert mode_score(half, balanced) == pytest.approx(1)  # 2, less a factor of 2
    assert mode_score(balanced, half) == 0.0


@pytest.mark.parametrize("bad", [torch.zeros(5), logits(20, 3), torch.full((20, 3), 0.5), torch.empty(0, 3)])
def test_what_are_no_probabilities_is_refused(bad: Tensor) -> None:
    with pytest.raises(InputError, match="probabilities"):
        inception_score(bad)
    with pytest.raises(InputError, match="probabilities"):
        mode_score(bad, torch.eye(3))


def test_too_few_samples_for_the_splits_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 5 splits, not 10"):
        inception_score(torch.eye(5))
    with pytest.raises(InputError, match="same classes, not 5 and 4"):
        mode_score(torch.eye(5), torch.eye(4))


def test_distance_within_classes() -> None:
    random = torch.Generator().manual_seed(0)
    real, labels = torch.randn(300, 4, generator=random), torch.arange(300) % 3
    assert intra_class(real, labels, real, labels) == pytest.approx({0: 0, 1: 0, 2: 0}, abs=1e-9)
    shifted = real + torch.tensor([0.0, 1.0, 2.0])[labels, None]
    assert intra_class(real, labels, shifted, labels) == pytest.approx({0: 0, 1: 4, 2: 16}, rel=1e-6, abs=1e-6)


def test_swapped_classes_show_within_but_not_over_all() -> None:
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 2
    real = torch.randn(400, 3, generator=random) + 5 * labels[:, None]
    swapped = intra_class(real, labels, real, 1 - labels)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-8)
    assert min(swapped.values()) > 50


def test_classes_with_few_samples_or_on_one_side_only_are_left_out() -> None:
    real, fake = torch.randn(100, 2), torch.randn(100, 2)
    real_labels = torch.tensor([0] * 50 + [1] * 49 + [2])
    fake_labels = torch.tensor([0] * 50 + [1] * 49 + [7])
    assert list(intra_class(real, real_labels, fake, fake_labels)) == [0]
    assert list(intra_class(real, real_labels, fake, fake_labels, least=49)) == [0, 1]
    with pytest.raises(InputError, match="a label for each of 100"):
        intra_class(real, real_labels[:5], fake, fake_labels)


def test_label_accuracy_counts() -> None:
    found = label_accuracy(torch.tensor([0, 1, 1, 2, 0, 2]), torch.tensor([0, 1, 2, 2, 2, 2]))
    assert found.overall == pytest.approx(4 / 6)
    assert found.by_class == {0: 1.0, 1: 1.0, 2: 0.5}
    with pytest.raises(InputError, match="two classes for each sample"):
        label_accuracy(torch.zeros(3), torch.zeros(4))


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    bunch = load_digits()
    return torch.from_numpy(bunch.data).float(), torch.from_numpy(bunch.target)


def test_a_classifier_learns_from_good_samples_and_not_from_bad_ones(digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    random = torch.Generator().manual_seed(0)
    ceiling = classifier_accuracy(x[:1000], y[:1000], x[1000:], y[1000:])
    noisy = x[:1000] + 8 * torch.randn(1000, 64, generator=random)
    mixed = y[:1000][torch.randperm(1000, generator=random)]
    assert ceiling > 0.9
    assert 0.5 < classifier_accuracy(noisy, y[:1000], x[1000:], y[1000:]) < ceiling
    assert classifier_accuracy(x[:1000], mixed, x[1000:], y[1000:]) < 0.25


def test_the_classifier_is_at_its_optimum() -> None:
    """Of classes at -1000 and 1000 the border is at 0, whatever the scale."""
    x = torch.tensor([-1e3, 1e3]).repeat(10)[:, None]
    grid = torch.linspace(-5, 5, 101)[:, None]
    assert classifier_accuracy(x, (x[:, 0] > 0).long(), grid, (grid[:, 0] > 0).long()) >= 100 / 101


def test_a_part_is_drawn_by_the_seed(digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    first, again, other = (classifier_accuracy(x, y, x, y, seed=s, most=60) for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_one_class_teaches_nothing(digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    with pytest.raises(InputError, match="two classes or more"):
        classifier_accuracy(x, torch.zeros_like(y), x, y)
    with pytest.raises(InputError, match="labels"):
        classifier_accuracy(x, y[:5], x, y)
