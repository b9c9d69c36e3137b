"""Networks: shapes for any size and channel number, published parameter counts, conditions that matter."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.names import listing
from ganvas.nets import dcgan, mlp

ONE = Labels.of(["digit"], [[str(i) for i in range(10)]], np.arange(10)[:, None])
TWO = Labels.of(["a", "b"], [["x", "y"], ["p", "q", "r"]], np.array([[0, 0], [1, 2], [0, 1]]))
AGE = Labels.of(["age"], [[]], np.array([[1.0], [5.0], [9.0]]))


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape and labels."""

    shape: tuple[int, ...]
    labels: Labels | None = None


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def space(*shape: int, labels: Labels | None = None) -> Any:
    return Plain(shape, labels)


@pytest.mark.parametrize("net", listing("nets"))
@pytest.mark.parametrize("labels", [None, ONE, TWO, AGE], ids=["none", "one", "two", "continuous"])
@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 32, 32), (4, 48, 64), (2, 45, 31), (1, 8, 8), (5, 2, 3), (3, 100, 20)]
)
def test_shapes(net: str, labels: Labels | None, shape: tuple[int, ...]) -> None:
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(*shape, labels=labels)
    small = {"width": 4} if net == "dcgan" else {"hidden": 8}
    G, D = module.Generator(where, latent=6, **small), module.Discriminator(where, **small)
    y = None if labels is None else labels.encode(labels.rows[:3])
    n = 3 if y is None else len(y)
    x = G(torch.randn(n, 6), y)
    assert x.shape == (n, *shape)
    assert D(Batch(x, y)).shape == (n,)


@pytest.mark.parametrize("net", listing("nets"))
def test_conditions_change_pictures_and_scores(net: str) -> None:
    torch.manual_seed(0)
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(1, 16, 16, labels=ONE)
    G, D = module.Generator(where).eval(), module.Discriminator(where)
    z, (y, other) = torch.randn(1, G.latent).expand(2, -1), ONE.encode(np.array([[3], [8]])).split(1)
    assert not torch.allclose(G(z[:1], y), G(z[:1], other))
    x = torch.randn(1, 1, 16, 16)
    assert not torch.allclose(D(Batch(x, y)), D(Batch(x, other)))


@pytest.mark.parametrize("labels", [None, ONE])
@pytest.mark.parametrize("net", listing("nets"))
def test_every_parameter_is_learnt(net: str, labels: Labels | None) -> None:
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(3, 16, 16, labels=labels)
    G, D = module.Generator(where), module.Discriminator(where)
    y = None if labels is None else labels.encode(labels.rows)
    n = 10 if y is not None else 4
    D(Batch(G(torch.randn(n, G.latent), y), y)).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        if "bias" not in name:
            assert p.grad.abs().sum() > 0, name


def test_dcgan_64_has_the_published_parameter_counts() -> None:
    where = space(3, 64, 64)
    assert count(dcgan.Generator(where)) == 3_576_704
    assert count(dcgan.Discriminator(where, critic_norm="batch")) == 2_765_568


def test_the_original_mlps_have_the_parameter_counts_of_their_layers() -> None:
    where = space(1, 28, 28)
    G = mlp.Generator(where, latent=100, hidden=1200)
    D = mlp.Discriminator(where, hidden=240, maxout=5, dropout=0.5)
    assert count(G) == (100 + 1) * 1200 + (1200 + 1) * 1200 + (1200 + 1) * 784
    assert count(D) == (784 + 1) * 1200 + (240 + 1) * 1200 + (240 + 1)


def test_maxout_takes_the_largest_piece() -> None:
    layer = mlp.Maxout(3, 2, 4)
    x = torch.randn(5, 3)
    pieces = layer.linear(x).view(5, 2, 4)
    torch.testing.assert_close(layer(x), pieces.max(2).values)


def test_resolutions_halve_down_to_four_or_so() -> None:
    assert dcgan.sizes(64, 64)[-1] == (4, 4)
    assert dcgan.sizes(28, 28) == [(28, 28), (14, 14), (7, 7)]
    assert dcgan.sizes(48, 64) == [(48, 64), (24, 32), (12, 16), (6, 8)]
    assert dcgan.sizes(8, 8) == [(8, 8), (4, 4), (2, 2)]
    assert dcgan.sizes(45, 31)[-1] == (6, 4)


@pytest.mark.parametrize("net", [dcgan.Discriminator, mlp.Discriminator])
def test_a_discriminator_without_norm_judges_each_sample_alone(net: Any) -> None:
    D, x = net(space(1, 16, 16)), torch.randn(6, 1, 16, 16)
    torch.testing.assert_close(D(Batch(x))[:2], D(Batch(x[:2])))
