"""Structural similarity against closed forms and a plain computation, and what it says of a class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.ms_ssim import WEIGHTS, ms_ssim, similarity


def pictures(*shape: int, seed: int = 0) -> Tensor:
    """Smooth random pictures in [0, 1]."""
    noise = torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2, count_include_pad=False)


def plain_ssim(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """(SSIM, its contrast-structure part) of two grey pictures, window by window as the 2004 paper says."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / np.outer(line, line).sum()
    c1, c2, whole, structure = 0.01**2, 0.03**2, [], []
    for i in range(a.shape[0] - 10):
        for j in range(a.shape[1] - 10):
            x, y = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cs = (2 * (window * (x - mx) * (y - my)).sum() + c2) / (vx + vy + c2)
            structure.append(cs)
            whole.append(cs * (2 * mx * my + c1) / (mx**2 + my**2 + c1))
    return float(np.mean(whole)), float(np.mean(structure))


def halved(x: np.ndarray) -> np.ndarray:
    h, w = (s // 2 * 2 for s in x.shape)
    return x[:h, :w].reshape(h // 2, 2, w // 2, 2).mean((1, 3))


def test_equal_pictures_are_alike_at_every_size() -> None:
    for side in (11, 28, 64, 200):
        x = pictures(2, 3, side, side)
        torch.testing.assert_close(ms_ssim(x, x), torch.ones(2).double())
        assert bool((ms_ssim(x, 1 - x) < 0.5).all())


def test_one_scale_is_plain_ssim() -> None:
    a, b = pictures(3, 1, 20, 17), pictures(3, 1, 20, 17, seed=1)
    b = 0.7 * a + 0.3 * b
    expected = [plain_ssim(x[0], y[0])[0] for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-10)


def test_three_scales_of_two_channels() -> None:
    """44 x 51: at 44, 22 and 11 rows the window fits; their weights, brought to a sum of 1."""
    a, b = pictures(1, 2, 44, 51), pictures(1, 2, 44, 51, seed=1)
    b = 0.8 * a + 0.2 * b
    weights, values = np.array(WEIGHTS[:3]) / sum(WEIGHTS[:3]), []
    for x, y in zip(a[0].numpy(), b[0].numpy(), strict=True):
        levels = [(x, y), (halved(x), halved(y)), (halved(halved(x)), halved(halved(y)))]
        parts = [plain_ssim(*levels[0])[1], plain_ssim(*levels[1])[1], plain_ssim(*levels[2])[0]]
        values.append(np.prod(np.array(parts) ** weights))
    assert float(ms_ssim(a, b)) == pytest.approx(np.mean(values), rel=1e-10)


def test_flat_pictures_differ_in_luminance_alone() -> None:
    """(2 a b + C1) / (a² + b² + C1), at the coarsest scale only: to the power of its weight."""
    for side, scales in ((12, 1), (22, 2), (176, 5)):
        a, b = torch.full((1, 1, side, side), 0.2), torch.full((1, 1, side, side), 0.6)
        luminance = (2 * 0.2 * 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4)
        power = WEIGHTS[scales - 1] / sum(WEIGHTS[:scales])
        assert float(ms_ssim(a, b)) == pytest.approx(luminance**power, rel=1e-6)


def test_negative_structure_counts_as_none() -> None:
    x = pictures(1, 1, 32, 32)
    assert float(ms_ssim(x, 1 - x)) == 0


def test_small_or_different_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="sides of 11 or more"):
        ms_ssim(torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8))
    with pytest.raises(InputError, match="one shape"):
        ms_ssim(torch.rand(1, 1, 16, 16), torch.rand(2, 1, 16, 16))


def test_pairs_share_their_class_and_are_two_pictures() -> None:
    """Two flat classes of different grey: within them all is alike; with a wrong pair it would not be."""
    labels = torch.tensor([0, 1] * 10)
    x = labels[:, None, None, None].double().expand(20, 1, 16, 16)
    assert similarity(x, labels, pairs=200) == pytest.approx(1)
    assert similarity(x, pairs=200) < 0.7
    two = pictures(2, 1, 16, 16)
    assert similarity(two, pairs=50) == pytest.approx(float(ms_ssim(two[:1], two[1:])))


def test_all_pairs_of_a_class_come_about_equally_often() -> None:
    x = pictures(3, 1, 16, 16)
    every = float(torch.stack([ms_ssim(x[a : a + 1], x[b : b + 1]) for a, b in ((0, 1), (0, 2), (1, 2))]).mean())
    assert similarity(x, torch.tensor([4, 4, 4]), pairs=3000) == pytest.approx(every, abs=0.01)


def test_a_collapsed_class_is_more_alike() -> None:
    varied, labels = pictures(40, 1, 28, 28), torch.arange(40) % 2
    collapsed = torch.where(labels[:, None, None, None] == 1, 0.9 * varied[1] + 0.1 * varied, varied)
    assert similarity(collapsed, labels) > similarity(varied, labels) + 0.2
    assert similarity(varied, labels, seed=3) == similarity(varied, labels, seed=3)
    assert similarity(varied, labels, seed=3) != similarity(varied, labels, seed=4)


def test_lone_pictures_are_left_out() -> None:
    x = pictures(3, 1, 16, 16)
    assert similarity(x[[0, 0, 1]], torch.tensor([0, 0, 1]), pairs=30) == pytest.approx(1)
    with pytest.raises(InputError, match="two pictures or more"):
        similarity(x, torch.arange(3))
