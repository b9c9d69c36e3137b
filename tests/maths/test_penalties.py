"""Penalties against critics whose slope is known."""

import pytest
import torch
from torch import Tensor, nn

from ganvas.game import Batch, Discriminator
from ganvas.penalties import gradient_penalty, r1, r2, slope, squared_norm


class Linear(Discriminator):
    """D(x) = w·x (+ something of y): its slope is w everywhere."""

    def __init__(self, *w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, batch: Batch) -> Tensor:
        extra = 0 if batch.y is None else batch.y.sum(1) * batch.x.sum(1)
        return batch.x @ self.w + extra


class Square(Discriminator):
    """D(x) = |x|²/2: its slope is x."""

    def forward(self, batch: Batch) -> Tensor:
        return batch.x.square().flatten(1).sum(1) / 2


def batch(*rows: tuple[float, ...], y: Tensor | None = None) -> Batch:
    return Batch(torch.tensor(rows, dtype=torch.float64), y)


def test_r1_and_r2_of_a_linear_critic() -> None:
    x = batch((1, 2), (3, 4), (5, 6))
    assert r1(Linear(3, 4), x, gamma=0.5).item() == pytest.approx(0.25 * 25)
    assert r2(Linear(3, 4), x, gamma=2).item() == pytest.approx(25)


def test_r1_sums_over_a_sample_and_averages_over_the_batch() -> None:
    x = Batch(torch.arange(24.0).view(2, 3, 2, 2))
    want = (x.x[0].square().sum() + x.x[1].square().sum()) / 2 / 2
    assert r1(Square(), x).item() == pytest.approx(want.item())


def test_r1_gradient_to_the_weights() -> None:
    D = Linear(3, 4)
    (gradient,) = torch.autograd.grad(r1(D, batch((1, 2), (7, 8)), gamma=0.7), D.w)
    torch.testing.assert_close(gradient, 0.7 * D.w)  # d/dw γ/2 |w|² = γ w


def test_gradient_penalty_of_a_linear_critic_and_its_gradient() -> None:
    D = Linear(3, 4)
    penalty = gradient_penalty(D, batch((1, 2), (3, 4)), batch((0, 0), (1, 1)))
    assert penalty.item() == pytest.approx(16, rel=1e-6)  # (5 - 1)²
    (gradient,) = torch.autograd.grad(penalty, D.w)
    torch.testing.assert_close(gradient, 2 * 4 * D.w.detach() / 5, rtol=1e-6, atol=0)


def test_gradient_penalty_uses_one_epsilon_for_each_sample() -> None:
    """With D = |x|²/2, real x = (a, a) and fake 0 the slope is ε (a, a): one ε leaves its two entries equal."""
    seen: list[Tensor] = []

    class Spy(Square):
        def forward(self, batch: Batch) -> Tensor:
            seen.append(batch.x.detach())
            return super().forward(batch)

    gradient_penalty(Spy(), Batch(torch.ones(64, 2)), Batch(torch.zeros(64, 2)))
    epsilon = seen[0]
    assert torch.equal(epsilon[:, 0], epsilon[:, 1])
    assert epsilon[:, 0].unique().numel() == 64
    assert 0 <= epsilon.min() < 0.15 < 0.85 < epsilon.max() < 1


def test_penalties_keep_the_labels() -> None:
    y = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    _, gradient = slope(Linear(0, 0), batch((1, 1), (1, 1), y=y))
    torch.testing.assert_close(gradient, torch.tensor([[1.0, 1.0], [2.0, 2.0]], dtype=torch.float64))
    assert squared_norm(gradient).tolist() == pytest.approx([2, 8])


def test_a_flat_critic_has_a_finite_penalty() -> None:
    D = Linear(0, 0)
    (gradient,) = torch.autograd.grad(gradient_penalty(D, batch((1, 2)), batch((0, 0))), D.w)
    assert gradient.isfinite().all()
