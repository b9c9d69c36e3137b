"""Generators in two steps, StyleGAN2 and 3: what games, runs and truncation ask of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.mapped import DECAY, Mapping
from ganvas.nets import stylegan2, stylegan3
from ganvas.penalties import r1

ONE = Labels.of(["digit"], [[str(i) for i in range(10)]], np.arange(10)[:, None])
TWO = Labels.of(["a", "b"], [["x", "y"], ["p", "q", "r"]], np.array([[0, 0], [1, 2], [0, 1]]))
AGE = Labels.of(["age"], [[]], np.array([[1.0], [5.0], [9.0]]))
SHAPES = [(1, 28, 28), (3, 32, 32), (4, 48, 64), (2, 45, 31), (1, 8, 8), (5, 2, 3), (3, 100, 20)]
SMALL: dict[ModuleType, dict[str, Any]] = {
    stylegan2: {"latent": 6, "width": 4, "most": 8, "mapping": 2},
    stylegan3: {"latent": 6, "width": 4, "most": 8, "mapping": 2, "layers": 4, "margin": 3},
}

both = pytest.mark.parametrize("net", list(SMALL), ids=lambda net: net.__name__.rpartition(".")[2])


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape and labels."""

    shape: tuple[int, ...]
    labels: Labels | None = None


def players(net: Any, *shape: int, labels: Labels | None = None, **flags: Any) -> tuple[Any, Any]:
    where: Any = Plain(shape, labels)
    G = net.Generator(where, **{**SMALL[net], **flags})
    return G, net.Discriminator(where, width=4, most=8, mapping=2)


def conditions(labels: Labels | None, n: int) -> Tensor | None:
    return None if labels is None else labels.encode(labels.rows)[torch.arange(n) % len(labels.rows)]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@both
@pytest.mark.parametrize("labels", [None, ONE, TWO, AGE], ids=["none", "one", "two", "continuous"])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(net: Any, labels: Labels | None, shape: tuple[int, ...]) -> None:
    G, D = players(net, *shape, labels=labels)
    y = conditions(labels, 3)
    x = G(torch.randn(3, 6), y)
    assert x.shape == (3, *shape)
    batch = Batch(x, y)
    assert D(batch).shape == (3,)
    assert D.features(batch).shape == (3, D.size)
    torch.testing.assert_close(D.features(batch), D.features(Batch(x)))


@both
def test_vectors_and_a_missing_mapping_are_refused(net: Any) -> None:
    with pytest.raises(InputError, match="--net mlp"):
        players(net, 7)
    with pytest.raises(InputError, match="--mapping"):
        players(net, 3, 8, 8, mapping=0)


@both
@pytest.mark.parametrize("labels", [None, ONE], ids=["none", "one"])
def test_every_parameter_is_learnt(net: Any, labels: Labels | None) -> None:
    G, D = players(net, 3, 16, 16, labels=labels)
    y = conditions(labels, 8)
    D(Batch(G(torch.randn(8, 6), y), y)).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        assert p.grad.abs().sum() > 0, name


@both
def test_conditions_change_pictures_and_scores(net: Any) -> None:
    G, D = players(net, 1, 16, 16, labels=ONE)
    G.eval()
    z, x = torch.randn(1, 6).expand(2, -1), torch.randn(1, 1, 16, 16).expand(2, -1, -1, -1)
    y = ONE.encode(np.array([[3], [8]]))
    made, scores = G(z, y), D(Batch(x, y))
    assert (made[0] - made[1]).abs().max() > 1e-3
    assert (scores[0] - scores[1]).abs() > 1e-3


def test_a_continuous_condition_keeps_its_size() -> None:
    z, y = torch.randn(1, 6).expand(3, -1), torch.tensor([[0.5], [1.0], [2.0]])
    for mapping, given in ((Mapping(6, 1, 8, 2), z), (Mapping(0, 1, 8, 2), z[:, :0])):
        w = mapping(given, y)
        assert (w[1:] - w[:-1]).abs().amax(1).min() > 1e-2


def test_the_length_of_z_says_nothing() -> None:
    mapping, z = Mapping(6, 0, 8, 3), torch.randn(4, 6)
    torch.testing.assert_close(mapping(z, None), mapping(7 * z, None))


@both
def test_in_eval_mode_a_sample_is_a_function_of_its_latent_alone(net: Any) -> None:
    G, _ = players(net, 3, 16, 16)
    G(torch.randn(8, 6))
    G.eval()
    z, state = torch.randn(5, 6), copy.deepcopy(G.state_dict())
    x = G(z)
    assert torch.equal(x, G(z))
    torch.testing.assert_close(x[1:3], G(z[1:3]), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(state[name], value) for name, value in G.state_dict().items())


@both
def test_the_centre_is_the_running_mean_of_styles_and_truncation_goes_there(net: Any) -> None:
    G, _ = players(net, 1, 8, 8)
    z = torch.randn(16, 6)
    w = G.map(z)
    G(z)
    torch.testing.assert_close(G.centre, (1 - DECAY) * w.mean(0))
    for _ in range(3000):
        G.centre.lerp_(w.detach().mean(0), 1 - DECAY)
    torch.testing.assert_close(G.truncated(w, 1.0), w)
    torch.testing.assert_close(G.truncated(w, 0.0), G.centre.expand(16, -1))
    torch.testing.assert_close(G.truncated(w, 0.5).var(0), w.var(0) / 4)


@both
def test_styles_for_each_layer_say_the_same_as_one_for_all(net: Any) -> None:
    G, _ = players(net, 3, 16, 16)
    G.eval()
    if net is stylegan3:  # begins as the identity
        nn.init.normal_(G.start.move.weight)
    w = G.map(torch.randn(2, 6))
    every = w[:, None].repeat(1, G.layers, 1)
    torch.testing.assert_close(G.make(every), G.make(w))
    for layer in range(G.layers):
        other = every.clone()
        other[:, layer] += torch.randn(6)
        assert not torch.allclose(G.make(other), G.make(w)), layer


def test_style_mixing_changes_the_style_once_at_any_layer() -> None:
    G, _ = players(stylegan2, 3, 32, 32, mixing=1.0)
    w = G.map(torch.randn(400, 6))
    mixed = G.mixed(w, None)
    first = (mixed == w[:, None]).all(2)
    assert mixed.shape == (400, G.layers, 6)
    assert first[:, 0].all()
    assert not first[:, -1].any()
    assert (first.int().diff(dim=1) <= 0).all()
    assert set(first.sum(1).tolist()) == set(range(1, G.layers))
    assert ((mixed == mixed[:, -1:]).all(2) | first).all()


def test_the_share_of_mixed_samples() -> None:
    G, _ = players(stylegan2, 3, 8, 8, mixing=0.9)
    w = G.map(torch.randn(2000, 6))
    whole = (G.mixed(w, None) == w[:, None]).flatten(1).all(1)
    assert 0.07 < whole.float().mean() < 0.13


@both
def test_penalties_differentiate_twice(net: Any) -> None:
    G, D = players(net, 3, 16, 16, labels=ONE)
    y = conditions(ONE, 4)
    w = G.map(torch.randn(4, 6), y).detach().requires_grad_()
    x = G.make(w)
    (slope,) = torch.autograd.grad((x * torch.randn_like(x)).sum(), w, create_graph=True)
    (slope.square().sum(1).sqrt().mean() + r1(D, Batch(x, y).detach())).backward()
    found = [p.grad for p in [*G.parameters(), *D.parameters()] if p.grad is not None]
    assert all(g.isfinite().all() for g in found)
    assert D.blocks[0].first.weight.grad.abs().sum() > 0


@both
def test_copies_functional_calls_and_files(net: Any) -> None:
    G, _ = players(net, 3, 16, 16)
    G.eval()
    z = torch.randn(2, 6)
    x = G(z)
    torch.testing.assert_close(copy.deepcopy(G)(z), x)
    torch.testing.assert_close(torch.func.functional_call(G, dict(G.named_parameters()), (z,)), x)
    other, _ = players(net, 3, 16, 16)
    other.load_state_dict(load(save({k: v.contiguous() for k, v in G.state_dict().items()})))
    torch.testing.assert_close(other.eval()(z), x)


@both
def test_bfloat16_and_channels_last_make_the_same_pictures(net: Any) -> None:
    G, D = players(net, 3, 16, 16)
    G.eval()
    z = torch.randn(4, 6)
    x = G(z)
    scores = D(Batch(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert (G(z) - x).abs().mean() < 0.05 * x.std()
        D(Batch(x)).sum().backward()
    last = torch.channels_last
    torch.testing.assert_close(G.to(memory_format=last)(z), x, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(D.to(memory_format=last)(Batch(x.to(memory_format=last))), scores, rtol=1e-3, atol=1e-4)


@both
def test_no_weights_are_tied_and_buffers_are_floats(net: Any) -> None:
    G, D = players(net, 3, 16, 16, labels=ONE)
    for player in (G, D):
        state = player.state_dict()
        assert len({value.data_ptr() for value in state.values()}) == len(state)
        assert all(value.is_floating_point() for value in state.values())


@pytest.mark.parametrize(("net", "game"), [(stylegan2, "gan"), (stylegan3, "r3gan")])
def test_a_short_training(net: Any, game: str, tmp_path: Path) -> None:
    name = net.__name__.rpartition(".")[2]
    torch.set_num_threads(1)
    flags = {**SMALL[net], "game": game, "batch": 8, "seed": 1}
    run = gan.train("digits", net=name, rounds=2, quiet=True, run=tmp_path / "r", threads=1, **flags)
    made = run.generate(3)
    assert made is not None
    weights: list[nn.Parameter] = list(run.generator.parameters())
    assert all(p.isfinite().all() for p in weights)
