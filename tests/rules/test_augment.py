"""What a discriminator sees: every transform against a closed form or another library, gradients, odds, shards."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation
from scipy.stats import chisquare, kstest
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator, Draws
from ganvas.penalties import r1
from ganvas.rules import colour, geometry
from ganvas.rules.augment import Augment, adapted, noise

POLICIES = ["diffaugment", "ada", "ada:blit", "ada:geom", "ada:color", "ada:blit,geom,color,cutout"]


def pictures(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def drawn(x: Tensor, seed: int = 0, rows: np.ndarray | None = None, total: int | None = None) -> Batch:
    total = total or len(x)
    return Batch(x, None, Draws(seed, 0, np.arange(total) if rows is None else rows, total))


def each(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


class Judge(Discriminator):
    """A small discriminator that is smooth in its samples."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(channels, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(3 * size, 1))

    def forward(self, batch: Batch) -> Tensor:
        return self.net(batch.x).squeeze(1)


class Glasses(Discriminator):
    """A discriminator that sees augmented samples."""

    def __init__(self, net: Discriminator, augment: Augment) -> None:
        super().__init__()
        self.net, self.augment = net, augment

    def forward(self, batch: Batch) -> Tensor:
        return self.net(self.augment(batch))


# geometry


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 6, 9), (2, 2, 1, 1), (2, 4, 1, 5)])
def test_flips_are_flips(shape: tuple[int, ...], smooth: bool) -> None:
    x = pictures(*shape)
    seen = geometry.warp(x, geometry.flip(each(1, 0)), smooth=smooth)
    torch.testing.assert_close(seen, torch.stack([x[0].flip(2), x[1]]))


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("size", [1, 5, 8])
def test_quarter_turns_are_those_of_torch(size: int, smooth: bool) -> None:
    x = pictures(4, 3, size, size)
    for angle in (geometry.turn(each(0, 1, 2, 3)), geometry.rotate(each(0, 1, 2, 3) * math.pi / 2)):
        seen = geometry.warp(x, angle, smooth=smooth)
        torch.testing.assert_close(seen, torch.stack([torch.rot90(x[k], k, (1, 2)) for k in range(4)]))


def test_quarter_turns_and_flips_are_exact_in_float32() -> None:
    x = pictures(4, 3, 8, 8, dtype=torch.float32)
    seen = geometry.warp(x, geometry.turn(torch.arange(4.0)), smooth=False)
    assert torch.equal(seen, torch.stack([torch.rot90(x[k], k, (1, 2)) for k in range(4)]))
    assert torch.equal(geometry.warp(x, geometry.flip(torch.ones(4)), smooth=False), x.flip(3))


@pytest.mark.parametrize(("smooth", "margin", "most"), [(False, 0, 0.0), (True, 0, 0.15), (True, 5, 0.005)])
def test_whole_pixels_are_shifted_and_edges_reflected(smooth: bool, margin: int, most: float) -> None:
    """Smooth warps mirror what lies beyond the frame before they shrink the result, which its outer pixels feel."""
    x = pictures(3, 2, 16, 19)
    seen = geometry.warp(x, geometry.shift(each(2, -3, 0), each(1, 0, -4)), smooth=smooth)
    for picture, before, right, down in zip(seen, x, (2, -3, 0), (1, 0, -4), strict=True):
        wide = np.pad(before.numpy(), ((0, 0), (16, 16), (19, 19)), mode="symmetric")
        gap = (picture.numpy() - wide[:, 16 - down : 32 - down, 19 - right : 38 - right])[:, margin:, margin:]
        gap = gap[:, : 16 - 2 * margin, : 19 - 2 * margin]
        assert np.abs(gap).max() <= most + 1e-12


def test_the_warp_is_that_of_scipy() -> None:
    x = pictures(3, 1, 11, 8)
    angles, sizes = each(0.3, -2.0, 1.0), each(1.3, 0.7, 0.4)
    pose = geometry.flip(each(0, 1, 0)) @ geometry.scale(sizes, 1 / sizes) @ geometry.rotate(angles)
    pose = pose @ geometry.shift(each(0.3, -20.2, 1), each(0.5, 2.5, 33.3))
    seen = geometry.warp(x, pose, smooth=False)
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])  # scipy counts rows before columns, and from the first
    centre = np.array([[1, 0, 5], [0, 1, 3.5], [0, 0, 1]])
    for picture, before, matrix in zip(seen, x, pose.numpy(), strict=True):
        there = centre @ swap @ matrix @ swap @ np.linalg.inv(centre)
        expected = affine_transform(before[0].numpy(), there, order=1, mode="reflect")
        np.testing.assert_allclose(picture[0].numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 28, 64])
def test_an_enlargement_loses_nothing_and_keeps_grey(size: int) -> None:
    E = geometry.enlargement(size, torch.float64, torch.device("cpu"))
    torch.testing.assert_close(E.mT @ E / 2, torch.eye(size, dtype=torch.float64))
    torch.testing.assert_close(E.sum(1), torch.ones(2 * size, dtype=torch.float64))
    torch.testing.assert_close(E, E.flip(0, 1))


def test_a_smooth_warp_moves_waves_by_parts_of_a_pixel_where_a_plain_one_blurs_them() -> None:
    place = torch.arange(64, dtype=torch.float64)
    wave = lambda x: torch.cos(0.55 * math.pi * x).expand(1, 1, 8, 64)  # noqa: E731
    moved = {s: geometry.warp(wave(place), geometry.shift(each(0.25), each(0)), smooth=s) for s in (False, True)}
    gap = {s: (moved[s] - wave(place - 0.25))[..., 8:-8].abs().max() for s in moved}
    assert gap[False] > 0.2
    assert gap[True] < 0.1


def test_a_smooth_warp_that_shrinks_does_not_alias() -> None:
    """Stripes of one pixel, half as large, are grey; a plain warp sees some of them."""
    stripes = (1.0 - 2 * (torch.arange(64, dtype=torch.float64) % 2)).expand(1, 1, 64, 64)
    half = geometry.scale(each(0.55), each(0.55))
    assert geometry.warp(stripes, half, smooth=True).square().mean() < 0.1
    assert geometry.warp(stripes, half, smooth=False).square().mean() > 0.2


def test_slides_leave_zeros() -> None:
    x = pictures(3, 2, 5, 4)
    seen = geometry.slide(x, each(1, 0, -2), each(0, -4, 3))
    expected = torch.zeros_like(x)
    expected[0, :, :, 1:] = x[0, :, :, :-1]
    expected[1, :, :1] = x[1, :, 4:]
    expected[2, :, 3:, :2] = x[2, :, :2, 2:]
    assert torch.equal(seen, expected)


def test_a_hole_has_half_the_size_and_ends_at_the_edge() -> None:
    x = pictures(3, 2, 8, 12)
    seen = geometry.cut(x, each(0.5, 0, 0.5), each(0.5, 0, 0.5), each(1, 1, 0))
    expected = x.clone()
    expected[0, :, 2:6, 3:9] = 0
    expected[1, :, :2, :3] = 0
    assert torch.equal(seen, expected)


# colour


def test_colours_are_those_of_the_papers_matrices() -> None:
    b, c, luma, hue, s = each(0.3, -0.2), each(1.5, 0.8), each(-1, 1), each(0.7, -2.9), each(0.4, 3.0)
    x = pictures(2, 3, 4, 5)
    seen = colour.recolour(x, b, c, luma, hue, s)
    v = np.ones(3) / 3**0.5
    grey = np.outer(v, v)
    for n in range(2):
        matrix = np.eye(3) - (grey * 2 if luma[n] < 0 else 0)
        matrix = Rotation.from_rotvec(hue[n].item() * v).as_matrix() @ matrix
        matrix = (grey + (np.eye(3) - grey) * s[n].item()) @ matrix
        expected = np.einsum("ij,jhw->ihw", matrix, (x[n].numpy() + b[n].item()) * c[n].item())
        np.testing.assert_allclose(seen[n].numpy(), expected, atol=1e-12)


def test_hues_keep_grey_and_no_saturation_is_grey() -> None:
    x, nothing, one = pictures(1, 3, 4, 4), each(0), each(1)
    turned = colour.recolour(x, nothing, one, one, each(2.0), one)
    torch.testing.assert_close(turned.mean(1), x.mean(1))
    torch.testing.assert_close(turned.square().sum(1), x.square().sum(1))
    third = colour.recolour(x, nothing, one, one, each(2 * math.pi / 3), one)
    torch.testing.assert_close(third, x[:, [2, 0, 1]])
    bleached = colour.recolour(x, nothing, one, one, nothing, nothing)
    torch.testing.assert_close(bleached, x.mean(1, keepdim=True).expand_as(x))


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channels_know_brightness_and_contrast(channels: int) -> None:
    x = pictures(1, channels, 4, 4)
    seen = colour.recolour(x, each(0.5), each(2), each(-1), each(1), each(0))
    torch.testing.assert_close(seen, (x + 0.5) * 2)
    bright = x + 0.5
    contrast = (bright - bright.mean()) * 1.5 + bright.mean()
    torch.testing.assert_close(colour.jitter(x, each(0.5), each(0), each(1.5)), contrast)


def test_diffaugments_colours() -> None:
    x = pictures(1, 3, 4, 4)
    none, one = each(0), each(1)
    torch.testing.assert_close(colour.jitter(x, each(0.3), one, one), x + 0.3)
    torch.testing.assert_close(colour.jitter(x, none, none, one), x.mean(1, keepdim=True).expand_as(x))
    torch.testing.assert_close(colour.jitter(x, none, one, none), x.mean().expand_as(x))
    assert torch.equal(colour.jitter(x, none, one, one), x)


def test_alpha_keeps_its_values() -> None:
    x = pictures(5, 4, 6, 6)
    for seen in (Augment("ada:color", 1.0, (4, 6, 6))(drawn(x)).x, Augment("color", 1.0, (4, 6, 6))(drawn(x)).x):
        assert torch.equal(seen[:, 3], x[:, 3])
        assert not torch.isclose(seen[:, :3], x[:, :3]).all(dim=(1, 2, 3)).any()
    with_alpha, without = drawn(x), drawn(x[:, :3])
    seen = Augment("ada:color", 1.0, (4, 6, 6))(with_alpha).x[:, :3]
    torch.testing.assert_close(seen, Augment("ada:color", 1.0, (3, 6, 6))(without).x)


# the whole


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 8, 8), (3, 48, 64), (4, 7, 7), (5, 6, 6), (3, 1, 1), (1, 1, 9)])
def test_shape_type_and_conditions_are_kept(policy: str, shape: tuple[int, ...]) -> None:
    augment, y = Augment(policy, 1.0, shape), torch.eye(6)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x = pictures(6, *shape, dtype=dtype)
        before = x.clone()
        seen = augment(Batch(x, y))
        assert (seen.x.shape, seen.x.dtype) == (x.shape, dtype)
        assert seen.x.isfinite().all()
        assert seen.y is y
        assert torch.equal(x, before)
        assert not torch.equal(seen.x, x) or x.shape[2:].numel() == 1 or (policy, shape[1]) == ("ada:blit", 1)


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_changes_at_p_0_and_all_numbers_are_drawn(policy: str) -> None:
    x = pictures(6, 3, 8, 8, dtype=torch.float32)
    after = []
    for p in (0.0, 0.4, 1.0):
        batch = drawn(x)
        seen = Augment(policy, p, (3, 8, 8))(batch)
        after.append(batch.uniform(3))
        assert torch.equal(seen.x, x) == (p == 0)
    assert torch.equal(after[0], after[1])
    assert torch.equal(after[0], after[2])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_row_looks_the_same_in_any_shard(policy: str) -> None:
    x, augment = pictures(12, 3, 8, 8, dtype=torch.float32), Augment(policy, 0.7, (3, 8, 8))
    whole = augment(drawn(x)).x
    for rows in (np.arange(3), np.arange(3, 12), np.array([7])):
        torch.testing.assert_close(augment(drawn(x[rows], rows=rows, total=12)).x, whole[rows])
    batch = drawn(x)
    torch.testing.assert_close(augment(batch[slice(4, 8)]).x, whole[4:8])
    assert not torch.equal(augment(batch).x, whole), "another call draws other numbers"


@pytest.mark.parametrize("policy", POLICIES)
def test_gradients_once_and_twice(policy: str) -> None:
    augment = Augment(policy, 0.8, (3, 3, 4))

    def seen(x: Tensor) -> Tensor:
        return augment(drawn(x, seed=5)).x

    x = pictures(3, 3, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(seen, (x,))
    assert torch.autograd.gradgradcheck(lambda x: seen(x).pow(3), (x,))


@pytest.mark.parametrize("policy", ["diffaugment", "ada"])
def test_the_r1_penalty_passes_through(policy: str) -> None:
    """Its gradient to the discriminator's weights against finite differences."""
    torch.manual_seed(0)
    D = Glasses(Judge(3, 16), Augment(policy, 0.8, (3, 4, 4))).double()
    x = pictures(4, 3, 4, 4)
    names, weights = zip(*D.named_parameters(), strict=True)

    def penalty(*values: Tensor) -> Tensor:
        judge: Callable[[Batch], Tensor] = lambda batch: torch.func.functional_call(  # noqa: E731
            D, dict(zip(names, values, strict=True)), (batch,)
        )
        return r1(judge, drawn(x, seed=2))  # type: ignore[arg-type]

    assert torch.autograd.gradcheck(penalty, tuple(w.detach().requires_grad_() for w in weights))


def test_gradients_do_not_ask_torch_for_the_second_derivative_of_its_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has one in its latest versions only."""
    x = pictures(2, 1, 4, 4).requires_grad_()
    seen = Augment("ada:geom", 1.0, (1, 4, 4))(drawn(x)).x
    (gradient,) = torch.autograd.grad(seen.square().sum(), x, create_graph=True)
    names, open_ = set(), [gradient.grad_fn]
    while open_:
        node = open_.pop()
        names.add(type(node).__name__)
        open_ += [n for n, _ in node.next_functions if n is not None] if node else []
    assert "AdjointBackward" in names
    assert not [n for n in names if "GridSampler" in n]


def test_autocast_changes_nothing_but_the_discriminators_arithmetic() -> None:
    x = pictures(6, 3, 8, 8, dtype=torch.float32)
    augment = Augment("ada:blit,geom,color,cutout", 0.8, (3, 8, 8))
    with torch.autocast("cpu", torch.bfloat16):
        low = augment(drawn(x)).x
        torch.manual_seed(0)
        penalty = r1(Glasses(Judge(3, 64), augment), drawn(x))
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, augment(drawn(x)).x, rtol=0, atol=1e-6)
    penalty.backward()  # type: ignore[no-untyped-call]
    torch.manual_seed(0)
    torch.testing.assert_close(penalty, r1(Glasses(Judge(3, 64), augment), drawn(x)), rtol=0.05, atol=0)


def test_p_is_in_the_state_and_may_be_set() -> None:
    augment, other = Augment("ada", None, (3, 8, 8)), Augment("ada", 0.25, (3, 8, 8))
    assert (augment.adaptive, other.adaptive, Augment("diffaugment", None, (3, 8, 8)).adaptive) == (True, False, False)
    assert (float(augment.p), float(other.p), float(Augment("diffaugment", None, (3, 8, 8)).p)) == (0, 0.25, 1)
    augment.load_state_dict(other.state_dict())
    x = pictures(6, 3, 8, 8)
    assert torch.equal(augment(drawn(x)).x, other(drawn(x)).x)


# odds


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_flips_and_turns_are_as_likely_as_the_paper_says(p: float) -> None:
    x = torch.arange(9.0).view(1, 1, 3, 3).expand(8000, -1, -1, -1)  # so small that shifts round to 0
    seen = Augment("ada:blit", p, (1, 3, 3))(drawn(x, seed=1)).x
    kinds = [torch.rot90(f, k, (2, 3)) for f in (x[:1], x[:1].flip(3)) for k in range(4)]
    counts = [int((seen == kind).flatten(1).all(1).sum()) for kind in kinds]
    turns = [1 - p + p / 4, p / 4, p / 4, p / 4]
    expected = np.array([flip * turn for flip in (1 - p / 2, p / 2) for turn in turns])
    assert sum(counts) == 8000
    assert chisquare(counts, expected * 8000).pvalue > 1e-3


def test_pictures_that_are_not_square_do_not_turn() -> None:
    x = pictures(1, 1, 2, 3).expand(500, -1, -1, -1)
    seen = Augment("ada:blit", 1.0, (1, 2, 3))(drawn(x)).x
    counts = [int((seen == kind).flatten(1).all(1).sum()) for kind in (x, x.flip(3))]
    assert sum(counts) == 500
    assert min(counts) > 200


def test_a_rotation_is_as_likely_as_any_other_transform() -> None:
    p, n = 0.4, 8000
    on = Augment("ada", p, (3, 8, 8)).chosen(drawn(torch.zeros(n, 1), seed=3).uniform(14))
    share = {name: float(values.mean()) for name, values in on.items()}
    either = float(torch.maximum(on["spin"], on["spin again"]).mean())
    spins = share.pop("spin"), share.pop("spin again")
    assert spins == pytest.approx((1 - (1 - p) ** 0.5,) * 2, abs=0.02)
    assert share.pop("cut") == 0, "not among its default parts"
    assert [either, *share.values()] == pytest.approx([p] * 12, abs=0.025)


def test_sizes_follow_the_papers_distributions() -> None:
    """Brightness N(0, 0.2²) and contrast of a flat picture; DiffAugment's brightness U(-0.5, 0.5)."""
    flat = torch.zeros(4000, 3, 2, 2)
    seen = Augment("ada:color", 1.0, (3, 2, 2))(drawn(flat, seed=4)).x[:, 0, 0, 0]
    random = np.random.default_rng(0)
    made = random.normal(0, 0.2, 100_000) * 2 ** random.normal(0, 0.5, 100_000) * random.choice([-1, 1], 100_000)
    assert kstest(seen.numpy(), made).pvalue > 1e-3
    seen = Augment("color", 1.0, (3, 2, 2))(drawn(flat, seed=4)).x[:, 0, 0, 0]
    assert kstest(seen.numpy(), "uniform", (-0.5, 1)).pvalue > 1e-3


def test_diffaugment_moves_by_an_eighth_and_hides_a_quarter() -> None:
    spot = torch.zeros(2000, 1, 16, 16)
    spot[:, :, 8, 8] = 1
    places = Augment("translation", 1.0, (1, 16, 16))(drawn(spot)).x.nonzero()[:, 2:] - 8
    assert len(places) == 2000
    for moves in places.T:
        assert chisquare(np.bincount(moves.numpy() + 2, minlength=5)).pvalue > 1e-3
    hidden = 1 - Augment("cutout", 1.0, (1, 16, 16))(drawn(torch.ones_like(spot))).x.mean((1, 2, 3))
    assert float(hidden.max()) == 0.25
    assert float(hidden.mean()) == pytest.approx((7 / 16) ** 2, abs=0.01)  # what of it is inside: 1/2 - 1/16 a side


# policies, controller, noise


@pytest.mark.parametrize(
    ("policy", "family", "parts"),
    [
        ("translation", "diffaugment", ("translation",)),
        ("color, cutout", "diffaugment", ("color", "cutout")),
        ("blit,geom", "ada", ("blit", "geom")),
        ("color,blit", "ada", ("color", "blit")),
        ("ada:color", "ada", ("color",)),
        ("ada", "ada", ("blit", "geom", "color")),
        ("diffaugment", "diffaugment", ("color", "translation", "cutout")),
    ],
)
def test_policies(policy: str, family: str, parts: tuple[str, ...]) -> None:
    augment = Augment(policy, None, (3, 8, 8))
    assert (augment.family, augment.parts) == (family, parts)


@pytest.mark.parametrize(
    ("policy", "p", "shape", "told"),
    [
        ("diffaug", None, (3, 8, 8), "did you mean 'diffaugment'"),
        ("color,cutuot", None, (3, 8, 8), "did you mean 'cutout'"),
        ("adda:color", None, (3, 8, 8), "did you mean 'ada'"),
        ("", None, (3, 8, 8), "no augmentation ''"),
        ("ada:", None, (3, 8, 8), "no augmentation ''"),
        ("translation,geom", None, (3, 8, 8), "mixes two kinds"),
        ("ada:translation", None, (3, 8, 8), "mixes two kinds"),
        ("ada", 1.5, (3, 8, 8), "probability"),
        ("ada", float("nan"), (3, 8, 8), "probability"),
        ("ada", None, (2,), "--instance-noise"),
    ],
)
def test_refusals(policy: str, p: float | None, shape: tuple[int, ...], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        Augment(policy, p, shape)
    assert "\n" not in str(caught.value)


def test_the_controller_reaches_1_in_its_span_and_stays_within_bounds() -> None:
    p = 0.0
    for _ in range(1000):
        p = adapted(p, 0.61, 500)
    assert p == pytest.approx(1)
    assert adapted(p, 0.9, 500) == 1
    assert adapted(0.5, 0.59, 1000) == pytest.approx(0.498)
    assert adapted(0.5, 0.6, 1000) == 0.5
    assert adapted(0.0005, -1.0, 1000) == 0
    assert adapted(0.2, 0.5, 100, target=0.4, span=1000) == pytest.approx(0.3)


@pytest.mark.parametrize("shape", [(3, 4, 4), (2,)])
def test_instance_noise(shape: tuple[int, ...]) -> None:
    x = pictures(400, *shape, dtype=torch.float32)
    gap = noise(drawn(x), 0.3).x - x
    assert kstest(gap.flatten().numpy() / 0.3, "norm").pvalue > 1e-3
    assert torch.equal(noise(drawn(x), torch.tensor(0.0)).x, x)
    rows = np.arange(100, 200)
    assert torch.equal(noise(drawn(x[rows], rows=rows, total=400), 0.3).x, noise(drawn(x), 0.3).x[100:200])
    assert noise(Batch(x.bfloat16()), 0.1).x.dtype == torch.bfloat16


# leaks


def corners(count: int) -> Tensor:
    """Pictures [count, 1, 6, 6] of a bright spot, top left."""
    x = -torch.ones(count, 1, 6, 6)
    x[:, :, :2, :2] = 1
    return x + 0.05 * torch.randn_like(x)


def learnt(policy: str, p: float, rounds: int = 300) -> float:
    """The share of samples with the spot at the top left, of a generator that began at the bottom right."""
    torch.manual_seed(0)
    G = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 36), nn.Tanh(), nn.Unflatten(1, (1, 6, 6)))
    D = Glasses(Judge(1, 36), Augment(policy, p, (1, 6, 6)))
    with torch.no_grad():
        G[2].bias.copy_(corners(1).flip(2, 3).flatten())
    learn_g, learn_d = (torch.optim.Adam(m.parameters(), 2e-3, (0.0, 0.99)) for m in (G, D))
    for _ in range(rounds):
        real, fake = Batch(corners(64)), Batch(G(torch.randn(64, 4)))
        loss = softplus(D(fake.detach()) - D(real)).mean() + r1(D, real, 0.1) + r1(D, fake.detach(), 0.1)
        learn_d.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learn_d.step()
        learn_g.zero_grad()
        softplus(D(Batch(corners(64))) - D(fake)).mean().backward()  # type: ignore[no-untyped-call]
        learn_g.step()
    light = torch.nn.functional.avg_pool2d(G(torch.randn(500, 4)), 3).flatten(1)  # of the four corners
    return float((light.argmax(1) == 0).float().mean())


@pytest.mark.learning
def test_half_of_all_turned_leaves_no_trace_and_all_turned_leaves_it_open() -> None:
    assert learnt("ada:blit", 0.5) > 0.99
    assert learnt("ada:blit", 1.0) < 0.5, "at 1 all four corners look alike to D: nothing brings G to the right one"
