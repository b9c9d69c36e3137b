"""Networks: shapes for any size and channel number, published parameter counts, conditions that matter."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.sizes import sizes
from ganvas.names import listing
from ganvas.nets import dcgan, mlp
from ganvas.players import Growing

SMALL: dict[str, dict[str, Any]] = {  # flags of G and D; for the others a width is enough
    "mlp": {"hidden": 8},
    "stylegan2": {"width": 8, "most": 16, "latent": 8, "mapping": 1},
    "stylegan3": {"width": 8, "most": 16, "latent": 8, "mapping": 1, "layers": 4, "margin": 3},
}
PICTURES = [net for net in listing("nets") if net not in ("gain", "masked", "rows")]  # those: test_tables.py
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


@pytest.mark.parametrize("net", PICTURES)
@pytest.mark.parametrize("labels", [None, ONE, TWO, AGE], ids=["none", "one", "two", "continuous"])
@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 32, 32), (4, 48, 64), (2, 45, 31), (1, 8, 8), (5, 2, 3), (3, 100, 20)]
)
def test_shapes(net: str, labels: Labels | None, shape: tuple[int, ...]) -> None:
    """Any size, any channels, any labels; what a net cannot do it refuses by name, with what to use instead."""
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(*shape, labels=labels)
    usual = min(shape[1:]) >= 8 and max(shape[1:]) <= 4 * min(shape[1:])
    try:
        G, D = players(module, where)
    except InputError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert not usual
        assert re.search(rf"net {net} .*; use (--net|--size) ", refusal), refusal
        return
    y = None if labels is None else labels.encode(labels.rows[:3])
    n = 4 if y is None else len(y)
    x = G(torch.randn(n, G.latent), y)
    assert x.shape == (n, *shape)
    assert D(Batch(x, y)).shape == (n,)
    assert D.features(Batch(x, y)).shape == (n, D.size)


def players(module: Any, where: Any) -> tuple[Any, Any]:
    """A small G and D of a net."""
    name = module.__name__.rpartition(".")[2]
    made = []
    for role in (module.Generator, module.Discriminator):
        wanted = SMALL.get(name, {"width": 8})
        made.append(role(where, **{k: v for k, v in wanted.items() if k in inspect.signature(role).parameters}))
    return made[0], made[1]


@pytest.mark.parametrize("net", PICTURES)
def test_vectors_are_made_by_mlp_alone(net: str) -> None:
    if net == "mlp":
        return
    with pytest.raises(InputError, match=f"net {net} makes pictures only; for vectors use --net mlp"):
        importlib.import_module(f"ganvas.nets.{net}").Generator(space(7))


@pytest.mark.parametrize("net", PICTURES)
def test_conditions_change_pictures_and_scores(net: str) -> None:
    torch.manual_seed(0)
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(1, 16, 16, labels=ONE)
    G, D = players(module, where)
    G.eval()
    z, (y, other) = torch.randn(1, G.latent).expand(2, -1), ONE.encode(np.array([[3], [8]])).split(1)
    assert not torch.allclose(G(z[:1], y), G(z[:1], other))
    x = torch.randn(1, 1, 16, 16)
    assert not torch.allclose(D(Batch(x, y)), D(Batch(x, other)))


@pytest.mark.parametrize("labels", [None, ONE])
@pytest.mark.parametrize("net", PICTURES)
def test_every_parameter_is_learnt(net: str, labels: Labels | None) -> None:
    module, where = importlib.import_module(f"ganvas.nets.{net}"), space(3, 16, 16, labels=labels)
    G, D = players(module, where)
    y = None if labels is None else labels.encode(labels.rows)
    n = 10 if y is not None else 4
    learnt = dict.fromkeys((name for net in (G, D) for name, _ in net.named_parameters()), False)
    for level in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):  # networks that grow use other layers at each level
        for player in (G, D):
            if isinstance(player, Growing):
                player.grow(min(level, float(player.top)))
        D(Batch(G(torch.randn(n, G.latent), y), y)).square().sum().backward()
        for name, p in [*G.named_parameters(), *D.named_parameters()]:
            learnt[name] |= p.grad is not None and ("bias" in name or bool(p.grad.abs().sum() > 0))
            with torch.no_grad():  # layers behind one that begins at 0 wait for its first step
                p.sub_(1e-3 * (0 if p.grad is None else p.grad.sign()))
            p.grad = None
    assert not [name for name, moved in learnt.items() if not moved]


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
    assert sizes(64, 64)[-1] == (4, 4)
    assert sizes(28, 28) == [(28, 28), (14, 14), (7, 7)]
    assert sizes(48, 64) == [(48, 64), (24, 32), (12, 16), (6, 8)]
    assert sizes(8, 8) == [(8, 8), (4, 4), (2, 2)]
    assert sizes(45, 31)[-1] == (6, 4)


@pytest.mark.parametrize("net", [dcgan.Discriminator, mlp.Discriminator])
def test_a_discriminator_without_norm_judges_each_sample_alone(net: Any) -> None:
    D, x = net(space(1, 16, 16)), torch.randn(6, 1, 16, 16)
    torch.testing.assert_close(D(Batch(x))[:2], D(Batch(x[:2])))
