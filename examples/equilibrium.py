"""The equilibrium, seen: when G paints like the data, the best D says 1/2 everywhere and V = -log 4.

    python examples/equilibrium.py [--rounds 400]

Goodfellow et al. 2014, Theorem 1. The data is N(0, 1) on a line. G(z) = z + shift, held fixed, so that only D moves:
first with shift 2, where the best D is known too: D(x) = p(x) / (p(x) + p_g(x)) = sigmoid(2 - 2 x); then with shift 0.
V is measured on 20,000 fresh points of each kind.
"""

import argparse
import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ganvas import Batch, Discriminator
from ganvas.losses import minimax


class Line(Discriminator):
    """A small judge of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, batch: Batch) -> Tensor:
        """Logits [n] of numbers [n, 1]."""
        return self.body(batch.x).squeeze(1)


def value(D: Discriminator, shift: float, n: int = 20_000) -> float:
    """V(D, G) = E log D(x) + E log(1 - D(G(z)))."""
    with torch.no_grad():
        r, f = D(Batch(torch.randn(n, 1))), D(Batch(torch.randn(n, 1) + shift))
        return float(logsigmoid(r).mean() + logsigmoid(-f).mean())


def main() -> None:
    """Train D against two fixed painters and compare with the theory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=400)
    total = parser.parse_args().rounds
    for shift in (2.0, 0.0):
        torch.manual_seed(0)
        D = Line()
        optimiser = torch.optim.Adam(D.parameters(), 1e-2)
        for t in range(total):
            real, fake = Batch(torch.randn(512, 1)), Batch(torch.randn(512, 1) + shift)
            loss = minimax.discriminator(D(real), D(fake))
            optimiser.zero_grad()
            loss.backward()
            for group in optimiser.param_groups:
                group["lr"] = 1e-2 * (1 - t / total)
            optimiser.step()
        at = Batch(torch.tensor([[-1.0], [0.0], [1.0], [2.0]]))
        learnt = torch.sigmoid(D(at)).tolist()
        best = torch.sigmoid(shift * shift / 2 - shift * at.x.squeeze(1)).tolist()
        print(f"G(z) = z + {shift:g}")
        print("  D at x = -1, 0, 1, 2   learnt", *(f"{d:.2f}" for d in learnt), "  theory", *(f"{d:.2f}" for d in best))
        print(f"  V = {value(D, shift):.3f}   (-log 4 = {-math.log(4):.3f})")


if __name__ == "__main__":
    main()
