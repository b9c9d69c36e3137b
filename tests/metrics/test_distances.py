"""Distances between two feature sets: closed forms, other libraries on the same features, and honest errors."""

from __future__ import annotations

import math
import types
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics import neighbours
from ganvas.metrics.density_coverage import density_coverage
from ganvas.metrics.frechet_distance import Moments, between, frechet_distance, frechet_infinity
from ganvas.metrics.kid import Estimate, kid
from ganvas.metrics.precision_recall import precision_recall
from ganvas.metrics.realism import realism

Pair = tuple[Tensor, Tensor]
EVERY: list[Callable[[Tensor, Tensor], object]] = [
    frechet_distance, frechet_infinity, kid, precision_recall, density_coverage, realism,
]  # fmt: skip


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mixed(seed: int, n: int, d: int) -> Tensor:
    """Correlated rows [n, d] with a mean."""
    return normal(seed, n, d) @ normal(100, d, d) / d**0.5 + normal(seed + 200, d)


def digits() -> Pair:
    """Real features: the pixels of digits 0-4 and 5-9, with a little noise so that every pixel varies."""
    x, y = load_digits(return_X_y=True)
    pixels = torch.from_numpy(x) + 0.5 * normal(0, *x.shape)
    return pixels[y < 5], pixels[y >= 5]


PAIRS: dict[str, Callable[[], Pair]] = {
    "digits": digits,
    "correlated": lambda: (mixed(1, 400, 24), mixed(2, 300, 24)),
    "scaled": lambda: (mixed(1, 400, 24) * torch.logspace(-3, 2, 24), mixed(2, 300, 24) * torch.logspace(-3, 2, 24)),
}


def arrays(pair: Pair) -> list[np.ndarray]:
    found = []
    for x in pair:
        found += [x.numpy().mean(0), np.cov(x.numpy(), rowvar=False)]
    return found


# --- Fréchet distance --------------------------------------------------------------------------------------------


def test_frechet_of_equal_sets_is_zero() -> None:
    x = mixed(1, 200, 10)
    assert frechet_distance(x, x.clone()) < 1e-9
    assert frechet_distance(x[:8], x[:8]) < 1e-9


def test_frechet_of_a_shift_is_its_square_and_of_a_stretch_the_difference_of_deviations() -> None:
    x = mixed(1, 200, 10)
    assert frechet_distance(x, x + 3) == pytest.approx(90, rel=1e-9)
    deviations = Moments.of(x).covariance.trace()
    assert frechet_distance(x, x.mean(0) + 3 * (x - x.mean(0))) == pytest.approx(4 * float(deviations), rel=1e-9)


def test_frechet_in_one_dimension() -> None:
    a, b = normal(1, 50, 1), 2 * normal(2, 70, 1) + 1
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_frechet_of_diagonal_normals() -> None:
    deviations_a, deviations_b = torch.rand(2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    mean_a, mean_b = normal(1, 6), normal(2, 6)
    a, b = (
        Moments(101, mean, 100 * deviations.square().diag())
        for mean, deviations in ((mean_a, deviations_a), (mean_b, deviations_b))
    )
    expected = (mean_a - mean_b).square().sum() + (deviations_a - deviations_b).square().sum()
    assert between(a, b) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_frechet_equals_the_peers(name: str, peer: Callable[[str], types.ModuleType]) -> None:
    real, fake = PAIRS[name]()
    found = frechet_distance(real, fake)
    theirs = peer("pytorch_fid.fid_score").calculate_frechet_distance(*arrays((real, fake)))
    assert found == pytest.approx(theirs, rel=1e-6)
    module = peer("torch_fidelity.metric_fid")
    statistics = [module.fid_features_to_statistics(x) for x in (real, fake)]
    theirs = module.fid_statistics_to_metric(*statistics, verbose=False)[module.KEY_METRIC_FID]
    assert found == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("n", "m"), [(12, 9), (12, 100), (100, 12), (30, 31)])
def test_frechet_of_fewer_rows_than_columns_by_definition(n: int, m: int) -> None:
    """``tr (A^½ B A^½)^½`` with 50 digits, so that the root of an eigenvalue that should be 0 is 1e-25 at the most."""
    real, fake = mixed(1, n, 30), mixed(2, m, 30)
    with mpmath.workdps(50):
        (mean_a, A), (mean_b, B) = (exact_moments(x) for x in (real, fake))
        values, vectors = mpmath.eigsy(A)
        root = vectors * mpmath.diag([mpmath.sqrt(abs(v)) for v in values]) * vectors.T
        overlap = sum(mpmath.sqrt(abs(v)) for v in mpmath.eigsy(root * B * root, eigvals_only=True))
        traces = sum(A[i, i] + B[i, i] for i in range(30))
        expected = float(sum(g * g for g in mean_a - mean_b) + traces - 2 * overlap)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-10)
    assert between(Moments.of(real), Moments.of(fake)) == pytest.approx(expected, rel=1e-10)


def exact_moments(x: Tensor) -> tuple[mpmath.matrix, mpmath.matrix]:
    """Mean [d, 1] and covariance [d, d] in mpmath's precision."""
    rows, count = mpmath.matrix(x.tolist()), len(x)
    mean = rows.T * mpmath.ones(count, 1) / count
    centred = rows - mpmath.ones(count, 1) * mean.T
    return mean, centred.T * centred / (count - 1)


def test_frechet_of_a_singular_covariance_is_that_without_the_idle_columns() -> None:
    real, fake = mixed(1, 200, 8), mixed(2, 150, 8)
    expected = frechet_distance(real, fake)
    idle = [torch.cat([x, torch.full((len(x), 5), 0.3)], 1) for x in (real, fake)]
    assert frechet_distance(*idle) == pytest.approx(expected, rel=1e-9)
    turn = torch.linalg.qr(normal(3, 40, 8)).Q.T  # the same sets in a plane of a wider space
    assert frechet_distance(real @ turn, fake @ turn) == pytest.approx(expected, rel=1e-6)
    twins = [torch.cat([x, x], 1) for x in (real, fake)]
    assert frechet_distance(*twins) == pytest.approx(2 * expected, rel=1e-6)


def test_frechet_does_not_see_the_order_of_rows_or_sets() -> None:
    real, fake = PAIRS["correlated"]()
    found = frechet_distance(real, fake)
    assert frechet_distance(real.flip(0), fake[torch.randperm(len(fake))]) == pytest.approx(found, rel=1e-9)
    assert frechet_distance(fake, real) == pytest.approx(found, rel=1e-9)


def test_moments_streamed_are_the_moments_of_the_whole() -> None:
    x = 1e4 + mixed(1, 5000, 6)
    whole, stream = Moments.of(x), Moments.of(x[:1])
    for part in x[1:].split([1, 998, 2000, 2000]):
        stream.add(part)
    assert stream.count == whole.count == 5000
    for moments in (whole, stream):
        torch.testing.assert_close(moments.mean, x.mean(0), rtol=1e-13, atol=0)
        torch.testing.assert_close(moments.covariance, x.T.cov(), rtol=1e-10, atol=1e-10)


def test_moments_refuse_what_is_not_finite() -> None:
    with pytest.raises(InputError, match="finite"):
        Moments.of(torch.tensor([[1.0], [math.inf]]))


def test_frechet_infinity_takes_the_bias_away() -> None:
    real = normal(1, 100_000, 12)
    plain, endless = [], []
    for seed in range(8):
        fake = normal(10 + seed, 1000, 12)
        plain.append(frechet_distance(real, fake))
        endless.append(frechet_infinity(real, fake, seed).value)
    assert np.mean(plain) > 0.03
    assert abs(np.mean(endless)) < 0.1 * np.mean(plain)


def test_frechet_infinity_repeats_with_its_seed_and_sees_a_shift() -> None:
    real, fake = normal(1, 20_000, 4), normal(2, 4000, 4) + 1
    found = frechet_infinity(real, fake, seed=3)
    assert found == frechet_infinity(real, fake, seed=3)
    assert found.value == pytest.approx(frechet_distance(real, fake), abs=0.05)
    assert 0 < found.standard_error < 0.1


# --- Kernel distance ---------------------------------------------------------------------------------------------


def plain_mmd(x: Tensor, y: Tensor) -> float:
    """The U-statistic pair by pair."""
    k_xx, k_yy, k_xy = (((a @ b.T) / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    others = [(k.sum() - k.trace()) / (len(k) * (len(k) - 1)) for k in (k_xx, k_yy)]
    return float(others[0] + others[1] - 2 * k_xy.mean())


def test_kid_by_definition_in_any_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = mixed(1, 40, 5), mixed(2, 31, 5)
    whole = kid(real, fake)
    assert whole.value == pytest.approx(plain_mmd(real, fake), rel=1e-10)
    monkeypatch.setattr("ganvas.metrics.kid.BLOCK", 100)
    assert kid(real, fake) == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("name", PAIRS)
def test_kid_equals_torch_fidelity(name: str, peer: Callable[[str], types.ModuleType]) -> None:
    module = peer("torch_fidelity.metric_kid")
    real, fake = (x[:300] for x in PAIRS[name]())
    theirs = module.kid_features_to_metric(real, fake, kid_subsets=1, kid_subset_size=300, verbose=False)
    assert kid(real, fake).value == pytest.approx(theirs[module.KEY_METRIC_KID_MEAN], rel=1e-6)


@pytest.mark.parametrize("size", [5000, 30])
@pytest.mark.parametrize(("shift", "fade"), [(0.0, 0.0), (0.4, 0.0), (0.0, 1.0)])
def test_the_standard_error_of_kid_is_the_spread_over_new_draws(shift: float, fade: float, size: int) -> None:
    def draw(seed: int, n: int, shift: float = 0.0) -> Tensor:
        return normal(seed, n, 6) * torch.logspace(0, -fade, 6) + shift

    values, errors = np.array([kid(draw(i, 90), draw(5000 + i, 120, shift), size=size) for i in range(500)]).T
    spread = values.std(ddof=1)
    assert np.sqrt((errors**2).mean()) == pytest.approx(spread, rel=0.2)
    assert errors.mean() == pytest.approx(spread, rel=0.25)
    truth = plain_mmd(draw(1, 4000), draw(2, 4000, shift)) if shift else 0.0
    assert values.mean() == pytest.approx(truth, abs=4 * spread / len(values) ** 0.5 + 0.02 * truth)


def test_kid_in_blocks_is_the_mean_over_disjoint_rows_and_repeats() -> None:
    real, fake = mixed(1, 400, 5), mixed(1, 380, 5)
    found = kid(real, fake, seed=1, size=100)
    assert found == kid(real, fake, seed=1, size=100)
    assert found != kid(real, fake, seed=2, size=100)
    assert abs(found.value - kid(real, fake).value) < 4 * found.standard_error


def test_kid_says_what_it_needs() -> None:
    with pytest.raises(InputError, match="4 rows or more"):
        kid(normal(0, 3, 2), normal(1, 9, 2))
    with pytest.raises(InputError, match="10 blocks need 40 rows"):
        kid(normal(0, 100, 2), normal(1, 9, 2), size=10)
    assert kid(torch.ones(9, 2), torch.ones(8, 2)) == pytest.approx(Estimate(0.0, 0.0), abs=1e-6)


# --- Manifolds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("name", PAIRS)
def test_precision_recall_density_coverage_equal_prdc(
    name: str, k: int, peer: Callable[[str], types.ModuleType]
) -> None:
    real, fake = PAIRS[name]()
    theirs = peer("prdc").compute_prdc(real.numpy(), fake.numpy(), k)
    assert precision_recall(real, fake, k) == (theirs["precision"], theirs["recall"])
    assert density_coverage(real, fake, k) == pytest.approx((theirs["density"], theirs["coverage"]), rel=1e-12)


def test_precision_recall_equals_torch_fidelity(peer: Callable[[str], types.ModuleType]) -> None:
    module = peer("torch_fidelity.metric_prc")
    for make in PAIRS.values():
        real, fake = make()
        theirs = module.prc_features_to_metric(fake, real, prc_neighborhood=3, verbose=False)
        expected = (theirs[module.KEY_METRIC_PRECISION], theirs[module.KEY_METRIC_RECALL])
        assert precision_recall(real, fake) == pytest.approx(expected, abs=1e-6)  # they average in float32


def test_the_manifolds_of_points_on_a_line() -> None:
    real, fake = torch.tensor([[0.0], [1.0], [2.0], [10.0]]), torch.tensor([[-1.0], [1.5], [3.0], [50.0]])
    # the real radii for k = 1 are 1, 1, 1, 8; the fake ones 2.5, 1.5, 1.5, 47
    assert precision_recall(real, fake, k=1) == (0.75, 1.0)
    assert density_coverage(real, fake, k=1) == (
        0.75,
        0.75,
    )  # 1.5 lies in two balls, 3 in one; ball 0 has a border only
    torch.testing.assert_close(realism(real, fake, k=1), torch.tensor([1.0, 2.0, 1.0, 1 / 48]).double())


def test_a_collapsed_generator_is_precise_and_a_scattered_one_recalls() -> None:
    real = normal(1, 300, 2)
    collapsed = real[:1] + 1e-6 * normal(2, 300, 2)
    assert precision_recall(real, collapsed) == (1.0, 1 / 300)
    precision, recall = precision_recall(real, 4 * normal(3, 300, 2))
    assert precision < 0.4
    assert recall > 0.9
    assert precision_recall(torch.ones(9, 2), torch.ones(9, 2)) == (1.0, 1.0)


def test_density_and_coverage_of_equal_distributions() -> None:
    """Expected density 1; expected coverage 1 - (m-1)…(m-k) / ((2m-1)…(2m-k)) for n = m. Naeem et al. 2020."""
    found = np.mean([density_coverage(normal(i, 200, 3), normal(900 + i, 200, 3), 2) for i in range(60)], 0)
    expected = 1 - (199 * 198) / (399 * 398)
    assert found == pytest.approx([1.0, expected], abs=0.02)


def test_an_outlier_inflates_precision_but_not_density() -> None:
    real, fake = normal(1, 300, 4), 2 * normal(2, 300, 4) + 8
    spoilt = torch.cat([real, torch.full((1, 4), 9.0)])
    assert precision_recall(spoilt, fake).precision > precision_recall(real, fake).precision + 0.5
    assert density_coverage(spoilt, fake).density < 0.3


def test_realism_is_one_inside_and_falls_outwards() -> None:
    real = normal(1, 500, 2)
    dense = real[neighbours.radii(real, 3).argmin()]
    scores = realism(real, dense + torch.tensor([[1e-3, 0.0], [6.0, 0.0], [60.0, 0.0]]))
    assert scores[0] > 1 > scores[1] > scores[2] > 0
    assert int(realism(real, real).isinf().sum()) == 250  # copies of the centres of the smaller half of the balls
    assert realism(torch.ones(9, 2), torch.ones(1, 2)).isinf().all()


@pytest.mark.parametrize("measure", EVERY, ids=lambda f: f.__name__)
def test_every_measure_takes_any_float_type_in_any_block_size(
    measure: Callable[[Tensor, Tensor], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, fake = (x.half() for x in (mixed(1, 80, 5), mixed(2, 70, 5)))
    copies = real.clone(), fake.clone()
    found = torch.as_tensor(measure(real, fake))
    assert torch.equal(real, copies[0])
    assert torch.equal(fake, copies[1])
    monkeypatch.setattr(neighbours, "BLOCK", 300)
    again = torch.as_tensor(measure(real.double(), fake.double()))
    torch.testing.assert_close(again, found, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("measure", EVERY, ids=lambda f: f.__name__)
def test_every_measure_refuses_sets_of_different_width(measure: Callable[[Tensor, Tensor], object]) -> None:
    with pytest.raises(InputError, match="one width"):
        measure(normal(0, 50, 3), normal(1, 50, 4))
