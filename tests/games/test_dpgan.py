"""DPGAN: the gradient of each record, bounded and noised, in closed form and against Opacus; one round by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from playing import built, one_round
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator, Draws
from ganvas.games.dpgan import DPGAN, blank
from ganvas.guarded import bounded, gradients, noised
from ganvas.spaces.toys import ring


class Linear(Discriminator):
    """Scores w·x + b."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(size, 1)

    def forward(self, batch: Batch) -> Tensor:
        return self.layer(batch.x).squeeze(1)


class Deep(Discriminator):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, 7), nn.LeakyReLU(0.2), nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, batch: Batch) -> Tensor:
        return self.body(batch.x).squeeze(1)


def drawn(n: int, size: int, seed: int = 0) -> Batch:
    x = torch.randn(n, size, generator=torch.Generator().manual_seed(seed))
    return Batch(x, None, Draws(7, 0, np.arange(n), 5))


def test_the_gradient_of_a_linear_score_is_the_record_itself() -> None:
    D, real = Linear(3), drawn(6, 3)
    found = gradients(D, real, lambda r: -r)
    assert torch.allclose(found["layer.weight"].squeeze(1), -real.x)
    assert (found["layer.bias"] == -1).all()
    long = (real.x.square().sum(1) + 1).sqrt()  # with the bias
    for bound in (0.5, 100.0):
        total = bounded(found, bound)
        wanted = -(real.x * (bound / long).clamp_max(1.0)[:, None]).sum(0)
        assert torch.allclose(total["layer.weight"][0], wanted, atol=1e-4)
    assert long.max() > 0.5


def test_no_record_moves_the_sum_by_more_than_the_bound() -> None:
    D, real = Deep(4), drawn(9, 4)
    real = real.at(real.x * torch.logspace(-3, 4, 9)[:, None])
    whole = bounded(gradients(D, real, lambda r: softplus(-r)), 0.7)
    for without in range(9):
        others = real.at(torch.cat([real.x[:without], real.x[without + 1 :]]))
        rest = bounded(gradients(D, others, lambda r: softplus(-r)), 0.7)
        moved = torch.stack([(whole[name] - rest[name]).norm() for name in whole]).norm()
        assert 0 < moved <= 0.7 + 1e-5


def test_the_bounded_sum_is_what_opacus_makes() -> None:
    opacus = pytest.importorskip("opacus")
    D, real = Deep(4), drawn(8, 4)
    ours = bounded(gradients(D, real, lambda r: softplus(-r)), 0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = opacus.GradSampleModule(D, loss_reduction="sum")
        optimiser = opacus.optimizers.DPOptimizer(
            torch.optim.SGD(D.parameters(), 1.0), noise_multiplier=0.0, max_grad_norm=0.3, expected_batch_size=1
        )
        softplus(-wrapped(real)).sum().backward()
        optimiser.clip_and_accumulate()
    for name, weight in D.named_parameters():
        assert torch.allclose(ours[name], weight.summed_grad, atol=1e-6), name  # type: ignore[attr-defined]


def test_the_scalar_has_the_noised_gradient_and_the_mean_loss() -> None:
    D, real = Linear(2), drawn(4, 2)
    value = noised(D, real, lambda r: -r, 1.0, 0.0, 5)
    assert value.detach().item() == pytest.approx(-D(real).mean().item(), abs=1e-6)
    value.backward()
    clean = bounded(gradients(D, real, lambda r: -r), 1.0)["layer.weight"] / 5
    assert D.layer.weight.grad is not None
    assert torch.allclose(D.layer.weight.grad, clean)
    pulls = []
    for position in range(400):
        D.zero_grad()
        batch = Batch(real.x, None, Draws(7, position, np.arange(4), 5))
        noised(D, batch, lambda r: -r, 0.5, 2.0, 5).backward()
        pulls.append(D.layer.weight.grad.clone().flatten())
    pull = torch.stack(pulls)
    half = bounded(gradients(D, real, lambda r: -r), 0.5)["layer.weight"].flatten() / 5
    assert pull.std(0) == pytest.approx(np.full(2, 2.0 * 0.5 / 5), rel=0.15)
    assert torch.allclose(pull.mean(0), half, atol=4 * 0.2 / 20)


def test_an_empty_batch_is_noise_alone() -> None:
    D = Linear(2)
    empty = Batch(torch.zeros(0, 2), None, Draws(7, 0, np.arange(0), 5))
    value = noised(D, empty, lambda r: -r, 1.0, 1.0, 5)
    value.backward()
    assert value.item() == 0.0
    assert D.layer.weight.grad is not None
    assert (D.layer.weight.grad != 0).all()


def test_noise_belongs_to_the_batch() -> None:
    D = Linear(2)
    values = []
    for seed in (7, 7, 8):
        D.zero_grad()
        noised(D, Batch(torch.ones(3, 2), None, Draws(seed, 0, np.arange(3), 5)), lambda r: -r, 1.0, 1.0, 5).backward()
        assert D.layer.weight.grad is not None
        values.append(D.layer.weight.grad.clone())
    assert torch.equal(values[0], values[1])
    assert not torch.equal(values[0], values[2])


def test_how_many_samples_are_made_does_not_tell_how_many_are_real() -> None:
    for n in (0, 3, 5, 9):
        assert len(blank(drawn(n, 2))) == 5
    assert blank(drawn(3, 2)).normal(2).shape == (5, 2)


def test_a_round_is_many_moves_of_d_and_one_of_g() -> None:
    data = ring(count=500)
    moves = one_round(built(data, DPGAN, critic_moves=3), data)
    assert [name for name, _ in moves] == ["D", "D", "D", "G"]
    assert DPGAN.private_moves({"critic_moves": 3}) == 3
    assert DPGAN.private_moves({}) == 10


@pytest.mark.parametrize("flags", [{"critic_moves": 0}, {"bound": 0.0}, {"noise": -1.0}])
def test_impossible_settings_are_refused(flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--critic-moves"):
        built(ring(count=100), DPGAN, **flags)
