"""The theorems of the 2014 paper, played."""

import math

import torch
from torch import Tensor, nn

from ganvas.game import Batch, Discriminator
from ganvas.games.gan import GAN
from ganvas.generator import Generator
from ganvas.latents import Prior

P = torch.tensor([0.5, 0.3, 0.15, 0.05])  # p_data on four points
Q = torch.tensor([0.1, 0.2, 0.3, 0.4])  # p_g of a generator that is held fast


class Table(Discriminator):
    """A logit for each of the four points: the non-parametric D of section 4."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(4))

    def forward(self, batch: Batch) -> Tensor:
        return self.logits[batch.x.argmax(1)]


class Points(nn.Module):
    """Points drawn with probabilities ``p``, by the quantiles of z; one unused parameter makes it a player."""

    latent = 1

    def __init__(self, p: Tensor) -> None:
        super().__init__()
        self.p, self.unused = p, nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        u = 0.5 * (1 + torch.erf(z[:, 0] / math.sqrt(2)))
        chosen = torch.searchsorted(self.p.cumsum(0), u).clamp(max=3)
        return nn.functional.one_hot(chosen, 4).float() + 0 * self.unused


def settle(p_g: Tensor) -> tuple[Tensor, float]:
    """D's beliefs on the four points and the value V after D alone has played against ``p_g``."""
    torch.manual_seed(0)
    game = GAN(G=Generator(Points(p_g), Prior(1)), D=Table(), loss="minimax")
    optimiser = torch.optim.Adam(game.D.parameters(), 0.05)
    real = nn.functional.one_hot(torch.multinomial(P, 20_000, replacement=True), 4).float()
    value = 0.0
    for step in range(300):
        if step == 200:
            optimiser.param_groups[0]["lr"] = 0.005
        move = next(game.play(iter([Batch(real)])))
        optimiser.zero_grad()
        move.loss.backward(inputs=list(game.D.parameters()))
        optimiser.step()
        value = -move.loss.item()
    return torch.sigmoid(game.D.logits.detach()), value


def test_proposition_1_the_best_discriminator_is_p_over_p_plus_pg() -> None:
    beliefs, value = settle(Q)
    torch.testing.assert_close(beliefs, P / (P + Q), atol=0.02, rtol=0)
    mean = (P + Q) / 2
    divergence = ((P * (P / mean).log()).sum() + (Q * (Q / mean).log()).sum()) / 2
    assert abs(value - (-math.log(4) + 2 * divergence.item())) < 0.02  # Theorem 1: C(G) = -log 4 + 2 JSD


def test_theorem_1_at_equilibrium_d_is_one_half_and_v_is_minus_log_four() -> None:
    beliefs, value = settle(P)
    torch.testing.assert_close(beliefs, torch.full((4,), 0.5), atol=0.02, rtol=0)
    assert abs(value + math.log(4)) < 0.005
