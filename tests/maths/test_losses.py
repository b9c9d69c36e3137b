"""Losses against closed forms."""

import math

import pytest
import torch

from ganvas import losses
from ganvas.errors import InputError

r = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
f = torch.tensor([-0.7, 0.4, 1.1], dtype=torch.float64)


def log_sigmoid(a: torch.Tensor) -> torch.Tensor:
    return torch.log(1 / (1 + torch.exp(-a)))


def log_one_minus_sigmoid(a: torch.Tensor) -> torch.Tensor:
    return torch.log(1 - 1 / (1 + torch.exp(-a)))


CLOSED = {
    "minimax": (
        lambda r, f: -(log_sigmoid(r).mean() + log_one_minus_sigmoid(f).mean()),
        lambda r, f: log_one_minus_sigmoid(f).mean(),
    ),
    "non_saturating": (
        lambda r, f: -(log_sigmoid(r).mean() + log_one_minus_sigmoid(f).mean()),
        lambda r, f: -log_sigmoid(f).mean(),
    ),
    "least_squares": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda r, f: ((f - 1) ** 2).mean() / 2,
    ),
    "hinge": (
        lambda r, f: (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (lambda r, f: -log_sigmoid(r - f).mean(), lambda r, f: -log_sigmoid(f - r).mean()),
}


def test_every_loss_has_a_closed_form_here() -> None:
    assert set(CLOSED) == set(losses.ALL)


@pytest.mark.parametrize("name", losses.ALL)
def test_closed_form(name: str) -> None:
    for ours, theirs in zip(losses.ALL[name][:2], CLOSED[name], strict=True):
        torch.testing.assert_close(ours(r, f), theirs(r, f))


@pytest.mark.parametrize("name", losses.ALL)
def test_huge_outputs_stay_finite(name: str) -> None:
    big = torch.tensor([1e4, -1e4], requires_grad=True)
    for part in losses.ALL[name][:2]:
        loss = part(big, -big)
        (gradient,) = torch.autograd.grad(loss, big)
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_value_at_equilibrium_is_minus_log_four() -> None:
    half = torch.zeros(5)  # logit 0: D = 1/2 (Theorem 1)
    assert -losses.minimax.discriminator(half, half).item() == pytest.approx(-math.log(4))
    assert losses.minimax.belief(half).tolist() == [0.5] * 5


def test_minimax_saturates_and_non_saturating_does_not() -> None:
    """Where D is sure of a fake (logit -10), the true minimax loss gives G next to no gradient."""
    sure = torch.full((1,), -10.0, requires_grad=True)
    (weak,) = torch.autograd.grad(losses.minimax.generator(sure, sure), sure)
    (strong,) = torch.autograd.grad(losses.non_saturating.generator(sure, sure), sure)
    assert abs(weak.item()) < 1e-4
    assert strong.item() == pytest.approx(-1, abs=1e-3)


def test_relativistic_pairs_before_the_mean() -> None:
    paired = losses.relativistic.discriminator(torch.tensor([0.0, 4.0]), torch.tensor([0.0, 4.0]))
    assert paired.item() == pytest.approx(math.log(2))
    crossed = losses.relativistic.discriminator(torch.tensor([4.0, 0.0]), torch.tensor([0.0, 4.0]))
    assert crossed.item() > 1.9


def test_one_sided_smoothing_moves_the_real_target_alone() -> None:
    """The best D(x) where only real samples are is the target; where only made ones are it stays 0."""
    smooth = losses.smoothed(losses.non_saturating, 0.9)
    r = torch.zeros(1, requires_grad=True)
    for _ in range(2000):
        (slope,) = torch.autograd.grad(smooth.discriminator(r, torch.full((1,), -50.0)), r)
        r = (r - slope).detach().requires_grad_()
    assert float(r.detach().sigmoid()) == pytest.approx(0.9, abs=1e-3)
    r, f = torch.tensor([0.3, 2.0]), torch.tensor([-1.0, 0.4])
    torch.testing.assert_close(
        smooth.discriminator(r, f) - losses.non_saturating.discriminator(r, f), 0.1 * r.mean()
    )  # softplus(r) - softplus(-r) = r
    least = losses.smoothed(losses.least_squares, 0.9)
    assert float(least.discriminator(torch.tensor([0.9]), torch.tensor([0.0]))) == 0
    assert losses.smoothed(losses.hinge, 1.0) is losses.hinge
    with pytest.raises(InputError, match="targets"):
        losses.smoothed(losses.hinge, 0.9)


def test_top_k_learns_from_the_best_made_samples() -> None:
    chosen = losses.top_k(losses.hinge, 0.5)
    f = torch.tensor([3.0, -1.0, 2.0, 0.0])
    assert float(chosen.generator(f, f)) == pytest.approx(-2.5)
    torch.testing.assert_close(chosen.discriminator(f, f), losses.hinge.discriminator(f, f))
    with pytest.raises(InputError, match="pairs"):
        losses.top_k(losses.relativistic, 0.5)
