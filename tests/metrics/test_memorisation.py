"""The memory test finds copies, plain or moved, and leaves honest generators alone, good or bad."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.datasets import load_digits, load_sample_images
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad, unfold

from ganvas.errors import InputError
from ganvas.metrics.memorisation import Memorisation, _more, memorisation

TRAIN, HELD_OUT, MADE, SEEDS = 600, 400, 300, range(10)

Maker = Callable[[Tensor, torch.Generator], Tensor]  # fresh pictures [n, c, h, w] -> made pictures [m, c, h, w]


def photo_patches() -> Tensor:
    """2080 grey patches of two photos [n, 1, 16, 16]: skies and walls, full of near duplicates."""
    photos = [torch.from_numpy(p.astype(np.float32)).mean(2) / 255 for p in load_sample_images().images]
    return torch.cat([unfold(p[None, None], 16, stride=16)[0].T.reshape(-1, 1, 16, 16) for p in photos])


def digits() -> Tensor:
    """1797 digits [n, 1, 16, 16], enlarged so that a pixel's shift is a small one."""
    small = torch.from_numpy(load_digits().images).float()[:, None] / 16
    return torch.nn.functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)


PICTURES = {"patches": photo_patches, "digits": digits}


@pytest.fixture(scope="module", params=PICTURES)
def pictures(request: pytest.FixtureRequest) -> Tensor:
    return PICTURES[request.param]()


def moved(x: Tensor, down: int, right: int) -> Tensor:
    size = x.shape[2]
    return pad(x, (2, 2, 2, 2), mode="replicate")[:, :, 2 + down :, 2 + right :][:, :, :size, :size]


def blurred(x: Tensor, sigma: float) -> Tensor:
    reach = int(3 * sigma) + 1
    line = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma**2))
    line = (line / line.sum()).view(1, 1, -1, 1)
    wide = pad(x, (reach,) * 4, mode="replicate")
    return conv2d(conv2d(wide, line), line.transpose(2, 3))


def noisy(x: Tensor, amount: float, random: torch.Generator) -> Tensor:
    return (x + amount * torch.randn(x.shape, generator=random)).clamp(0, 1)


def features(x: Tensor) -> Tensor:
    """Small averaged pictures [n, 64]."""
    return avg_pool2d(x, 2).flatten(1)


def views(x: Tensor) -> Tensor:
    """As they are and mirrored, each moved by up to two pixels along an axis: [18, n, 64]."""
    steps = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if not a * b]
    return torch.stack([features(moved(y, *step)) for y in (x, x.flip(3)) for step in steps])


def some(x: Tensor, count: int, random: torch.Generator) -> Tensor:
    return x[torch.randint(len(x), (count,), generator=random)]


def split(pictures: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    random = torch.Generator().manual_seed(seed)
    mixed = pictures[torch.randperm(len(pictures), generator=random)]
    return mixed[:TRAIN], mixed[TRAIN : TRAIN + HELD_OUT], mixed[TRAIN + HELD_OUT :], random


def judged(train: Tensor, held_out: Tensor, fake: Tensor, seed: int = 0) -> Memorisation:
    return memorisation(features(train), views(held_out), views(fake), seed)


def all_ways(x: Tensor) -> Tensor:
    """A mixture: plain, mirrored, moved by one pixel, by two, both, slightly blurred."""
    ways = (x, x.flip(3), moved(x, 0, 1), moved(x, 2, 0), moved(x.flip(3), -1, 1), blurred(x, 0.6))
    return torch.cat([way[i :: len(ways)] for i, way in enumerate(ways)])


COPIES: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda x: x,
    "mirrored": lambda x: x.flip(3),
    "moved by 1": lambda x: moved(x, 0, 1),
    "moved by 2": lambda x: moved(x, 0, -2),
    "blurred": lambda x: blurred(x, 0.6),
    "all ways": all_ways,
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("whole", [False, True], ids=["a fifth of the samples", "a fifth of the data"])
def test_replayed_training_samples_are_found(pictures: Tensor, way: str, whole: bool) -> None:
    for seed in SEEDS[:3]:
        train, held_out, fresh, random = split(pictures, seed)
        known = some(train[: TRAIN // 5], MADE, random) if whole else train[: MADE // 5]
        fake = torch.cat([COPIES[way](known), fresh])[:MADE]
        found = judged(train, held_out, fake, seed)
        assert found.alarm, (seed, found)
        if way == "plain":
            assert torch.equal(train[found.nearest[: len(known)]], known)
            assert not found.distance[: len(known)].any()
            assert not found.ratio[: len(known)].any()


def test_copies_among_bad_samples_are_found(pictures: Tensor) -> None:
    for seed in SEEDS[:3]:
        train, held_out, fresh, random = split(pictures, seed)
        for rest in (blurred(fresh, 2.0), noisy(fresh, 0.1, random)):
            assert judged(train, held_out, torch.cat([train[: MADE // 5], rest])[:MADE], seed).alarm


def averaged(x: Tensor, random: torch.Generator) -> Tensor:
    """Between two pictures in the space of 32 principal components."""
    flat, mean = x.flatten(1), x.flatten(1).mean(0)
    _, _, basis = torch.pca_lowrank(flat, 32, center=True, niter=4)
    codes = (flat - mean) @ basis
    share = 0.3 + 0.4 * torch.rand(MADE, 1, generator=random)
    mixed = share * some(codes, MADE, random) + (1 - share) * some(codes, MADE, random)
    return (mixed @ basis.T + mean).view(-1, *x.shape[1:])


def normal(x: Tensor, random: torch.Generator) -> Tensor:
    """Of the normal distribution fitted to the pictures."""
    flat = x.flatten(1).double()
    factor = torch.linalg.cholesky(flat.T.cov() + 1e-6 * torch.eye(flat.shape[1]))
    draws = torch.randn(MADE, flat.shape[1], generator=random, dtype=torch.float64)
    return (draws @ factor.T + flat.mean(0)).float().view(-1, *x.shape[1:])


def wide_kernels(x: Tensor, random: torch.Generator) -> Tensor:
    """Kernels on the pictures, as wide as half of all the data: the picture at the centre cannot be recognised."""
    return (some(x, MADE, random) - x.mean(0)) * 0.5**0.5 + x.mean(0) + 0.5**0.5 * (normal(x, random) - x.mean(0))


FROM_FRESH: dict[str, Maker] = {
    "fresh": lambda x, random: x,
    "slightly blurred": lambda x, random: blurred(x, 0.7),
    "blurred": lambda x, random: blurred(x, 1.5),
    "much blurred": lambda x, random: blurred(x, 4.0),
    "noisy": lambda x, random: noisy(x, 0.05, random),
    "very noisy": lambda x, random: noisy(x, 0.2, random),
    "averaged": averaged,
    "collapsed to 10": lambda x, random: noisy(some(x[:10], MADE, random), 0.02, random),
    "collapsed to 50": lambda x, random: some(x[:50], MADE, random),
    "collapsed to a region": lambda x, random: x[(x - x[0]).flatten(1).norm(dim=1).argsort()[:MADE]],
}
FROM_TRAIN: dict[str, Maker] = {
    "averaged of training samples": averaged,
    "normal": normal,
    "wide kernels": wide_kernels,
}


@pytest.mark.parametrize("way", [*FROM_FRESH, *FROM_TRAIN])
def test_honest_samples_raise_no_alarm(pictures: Tensor, way: str) -> None:
    for seed in SEEDS:
        train, held_out, fresh, random = split(pictures, seed)
        fake = FROM_FRESH[way](fresh, random) if way in FROM_FRESH else FROM_TRAIN[way](train, random)
        found = judged(train, held_out, fake[:MADE], seed)
        assert not found.alarm, (seed, found)


def test_duplicates_in_the_data_are_no_copies_but_copies_of_them_are(pictures: Tensor) -> None:
    """A third of all pictures is there twice or thrice, slightly changed, and torn apart by the split."""
    for seed in SEEDS[:3]:
        random = torch.Generator().manual_seed(seed)
        kept = pictures[torch.randperm(len(pictures), generator=random)[:1000]]
        twins = [noisy(kept[:200], 0.02, random), noisy(kept[:100], 0.02, random), kept[100:150]]
        train, held_out, fresh, random = split(torch.cat([kept, *twins]), seed)
        assert not judged(train, held_out, fresh[:MADE], seed).alarm
        copied = judged(train, held_out, some(train, MADE, random), seed)
        assert copied.alarm
        assert copied.copies > 0.9


def test_copies_of_what_is_there_many_times_are_copies() -> None:
    random = torch.Generator().manual_seed(0)
    train, held_out = torch.randn(300, 8, generator=random), torch.randn(200, 8, generator=random)
    jitter = 1e-6 * torch.randn(300, 8, generator=random)  # as two runs of a network may differ
    found = memorisation(torch.cat([train, train, train + jitter, train]), held_out, (train + jitter)[:100])
    assert found.alarm
    assert not found.ratio.any()
    assert found.copies == 1


def test_one_training_sample_repeated_is_one_proof_only() -> None:
    random = torch.Generator().manual_seed(0)
    train, held_out = torch.randn(300, 8, generator=random), torch.randn(200, 8, generator=random)
    once = memorisation(train, held_out, train[:1].expand(500, 8))
    assert once.copies == 1
    assert once.p_value > 0.01  # one of one, against about one in twenty
    assert not once.alarm
    assert memorisation(train, held_out, train[:12].repeat(40, 1)).alarm


def test_c_t_is_the_z_value_of_scipy_and_negative_for_copies() -> None:
    random = torch.Generator().manual_seed(0)
    train, held_out, fake = (torch.randn(n, 4, generator=random) for n in (200, 150, 120))
    near = [torch.cdist(x.double(), train.double()).min(1).values.numpy() for x in (fake, held_out)]
    told = scipy.stats.mannwhitneyu(*near, use_continuity=False, method="asymptotic")
    z = (told.statistic - 120 * 150 / 2) / np.sqrt(120 * 150 * 271 / 12)
    found = memorisation(train, held_out, fake)
    assert found.c_t == pytest.approx(z, abs=1e-9)
    assert told.pvalue == pytest.approx(2 * scipy.stats.norm.sf(abs(found.c_t)), rel=1e-6)
    assert memorisation(train, held_out, train[:120]).c_t < -10
    assert memorisation(train, held_out, fake + 5).c_t > 10


def test_authenticity_on_a_line() -> None:
    """Training samples at 0, 1, 3, 7, …: each is 2^k from its nearest other; a sample is authentic beyond that."""
    train = torch.tensor([0.0, 1.0, 3.0, 7.0])[:, None]
    held_out = torch.tensor([-3.0, 20.0, 3.5])[:, None]  # 3 > 1, 13 > 4, 0.5 < 2
    fake = torch.tensor([0.0, 1.5, 5.5, -0.9, 12.0])[:, None]  # 0 < 1, 0.5 < 1, 1.5 < 4, 0.9 < 1, 5 > 4
    found = memorisation(train, held_out, fake)
    assert found.authenticity == pytest.approx(0.2)
    assert found.authenticity_held_out == pytest.approx(2 / 3)
    assert found.nearest.tolist() == [0, 1, 3, 0, 3]
    assert found.distance.tolist() == pytest.approx([0, 0.5, 1.5, 0.9, 5])
    assert found.ratio.tolist() == pytest.approx([0, 0.5 / 1.5, 1.5 / 4.5, 0.9 / 3.9, 5 / 11])


@pytest.mark.parametrize(("n", "m", "high", "low"), [(50, 60, 10, 3), (200, 300, 48, 15), (5, 9, 0, 2), (7, 4, 7, 4)])
def test_the_p_value_is_fishers(n: int, m: int, high: int, low: int) -> None:
    ours = _more(torch.arange(m) < low, torch.arange(n) < high)
    theirs = scipy.stats.fisher_exact([[high, n - high], [low, m - low]], alternative="greater").pvalue
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_the_nearest_view_counts_and_both_sets_need_the_same() -> None:
    random = torch.Generator().manual_seed(0)
    train, held_out = torch.randn(60, 8, generator=random), torch.randn(40, 8, generator=random)
    fake = torch.randn(3, 30, 8, generator=random)
    fake[1] = train[:30]
    found = memorisation(train, held_out.expand(3, 40, 8), fake)
    assert found.nearest.tolist() == list(range(30))
    assert not found.distance.any()
    with pytest.raises(InputError, match="the same views, not 1 and 3"):
        memorisation(train, held_out, fake)


def test_the_answer_is_a_function_of_the_seed() -> None:
    random = torch.Generator().manual_seed(0)
    train, held_out, fake = (torch.randn(n, 6, generator=random) for n in (50, 200, 200))
    first, again, other = (memorisation(train, held_out, fake, seed=s) for s in (0, 0, 1))
    assert first[:7] == again[:7]
    assert first.copies == other.copies
    assert first.p_value != other.p_value


@pytest.mark.parametrize("bad", [torch.zeros(2, 6), torch.zeros(20, 5), torch.full((20, 6), torch.nan)])
def test_what_does_not_fit_is_refused(bad: Tensor) -> None:
    good = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    for sets in ((bad, good, good), (good, bad, good), (good, good, bad)):
        with pytest.raises(InputError):
            memorisation(*sets)
