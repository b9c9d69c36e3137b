"""What every pair of networks for pictures claims, whoever made it: each function raises when it is not so."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.penalties import gradient_penalty, r1

ONE = Labels.of(["digit"], [[str(i) for i in range(10)]], np.arange(10)[:, None])
TWO = Labels.of(["a", "b"], [["x", "y"], ["p", "q", "r"]], np.array([[0, 0], [1, 2], [0, 1]]))
AGE = Labels.of(["age"], [[]], np.array([[1.0], [5.0], [9.0]]))
KINDS = {"none": None, "one": ONE, "two": TWO, "continuous": AGE}
SHAPES = [(1, 28, 28), (3, 32, 32), (4, 48, 64), (2, 45, 31), (1, 8, 8), (5, 2, 3), (3, 100, 20)]


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape and labels."""

    shape: tuple[int, ...]
    labels: Labels | None = None


def space(*shape: int, labels: Labels | None = None) -> Any:
    return Plain(shape, labels)


def labels_of(classes: int) -> Labels:
    return Labels.of(["class"], [[str(i) for i in range(classes)]], np.arange(classes)[:, None])


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def awake(*modules: Any) -> None:
    """Weights that begin at 0 get other values, so that nothing is hidden behind them."""
    for module in modules:
        for p in module.parameters():
            if not p.detach().abs().sum():
                nn.init.normal_(p, 0.0, 0.1)


def is_a_function_of_each_sample_alone(G: Any, y: Tensor | None = None) -> None:
    """In eval mode: the same sample twice, and in any company."""
    z = torch.randn(6, G.latent)
    G(z, y)  # running statistics that are not those of the start
    G.eval()
    made = G(z, y)
    assert torch.equal(made, G(z, y))
    for i in range(0, 6, 2):
        part = slice(i, i + 2)
        torch.testing.assert_close(made[part], G(z[part], None if y is None else y[part]), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(made[:1], made[1:2])


def can_be_penalised(D: Any, x: Tensor, y: Tensor | None = None) -> None:
    """Gradients of R1 and of the gradient penalty reach the weights and are right by finite differences."""
    D = copy.deepcopy(D).double()
    batch, other = Batch(x.double(), y), Batch(x.double().flip(0) * 0.5, y)
    if y is not None:
        batch, other = Batch(batch.x, y.double()), Batch(other.x, y.double())
    D.zero_grad()
    (r1(D, batch) + gradient_penalty(D, batch, other.at(batch.x * 0.5))).backward()
    found = [p for p in D.parameters() if p.grad is not None]
    assert found
    assert all(p.grad.isfinite().all() for p in found)
    weight = max(found, key=lambda p: float(p.grad.norm()) if p.dim() > 1 else 0.0)
    D.zero_grad()
    r1(D, batch).backward()
    way, step = weight.grad / weight.grad.norm(), 1e-5
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            weight.add_(sign * step * way)
        values.append(float(r1(D, batch).detach()))
        with torch.no_grad():
            weight.sub_(sign * step * way)
    slope = (values[0] - values[1]) / (2 * step)
    assert abs(slope - float(weight.grad.norm())) <= 1e-3 * abs(slope), (slope, float(weight.grad.norm()))


def can_be_copied_called_and_saved(module: Any, *inputs: Any) -> None:
    """deepcopy, functional_call with other weights, safetensors there and back."""
    module.eval()
    twin = copy.deepcopy(module)
    assert torch.equal(module(*inputs), twin(*inputs))
    other = {name: p * 1.1 for name, p in module.named_parameters()}
    moved = torch.func.functional_call(module, other, inputs)
    assert not torch.allclose(moved, module(*inputs))
    state = {k: v.contiguous() for k, v in module.state_dict().items()}
    twin.load_state_dict({k: torch.zeros_like(v) for k, v in state.items()})
    twin.load_state_dict(load(save(state)))
    assert torch.equal(module(*inputs), twin(*inputs))


def runs_in_bfloat16(G: Any, D: Any, y: Tensor | None = None) -> None:
    """Autocast, channels last: near float32, finite, also through the penalty."""
    G, D = (m.to(memory_format=torch.channels_last) for m in (G.eval(), D.eval()))
    z = torch.randn(4, G.latent)
    exact = G(z, y)
    with torch.autocast("cpu", torch.bfloat16):
        made = G(z, y)
        scores, penalty = D(Batch(made, y)), r1(D, Batch(exact.detach(), y))
    (scores.float().mean() + penalty).backward()
    torch.testing.assert_close(made.float(), exact, atol=0.1 * float(exact.detach().abs().max()), rtol=0.1)
    assert all(p.grad.isfinite().all() for m in (G, D) for p in m.parameters() if p.grad is not None)
    assert penalty.isfinite()
