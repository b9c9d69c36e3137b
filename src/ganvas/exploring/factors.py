"""Directions that nobody named: the axes along which styles or early activations vary most, and those to which the
first layer answers most."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.exploring.latent import codes, paint, scaled
from ganvas.generator import Generator
from ganvas.latents import CHUNK
from ganvas.layers.mapped import Mapped
from ganvas.run import Run

DRAWN = 2000  # codes whose spread is measured
SEED = 2  # of those codes
FLAT = 1e-9  # shares of the largest below which an eigenvalue is none
LINEAR = 1e-3  # relative error up to which a layer counts as affine
FEW = 4  # codes at which the way into a layer is differentiated


class Factors(NamedTuple):
    """``directions`` [m, k], each as long as the standard deviation of codes along it, and the ``share`` [m] of the
    whole that each explains, largest first."""

    directions: Tensor
    share: Tensor


def factors(run: Run, by: str, count: int, label: object = None) -> Factors:
    """The first ``count`` directions by ``pca`` or ``sefa``. Raises InputError for a network that has no such ones."""
    code = codes(run, range(DRAWN), SEED, label)
    directions, share = principal(run.generator, code) if by == "pca" else factorised(run.generator, code)
    largest = directions.abs().argmax(1, keepdim=True)
    directions = directions * directions.gather(1, largest).sign()  # of the two ways, always the same
    return Factors(scaled(directions[:count], code), share[:count])


def principal(generator: Generator, code: Tensor) -> tuple[Tensor, Tensor]:
    """Principal components of codes [n, k]: directions [m, k] and their shares of the variance [m].

    Härkönen et al. 2020 (GANSpace), arXiv:2004.02546, section 2.2: of styles themselves; else of what enters the second
    layer, without its regression on the condition, and the directions are the regression of latents on its components.
    """
    styled = isinstance(generator.net, Mapped)
    size = code.shape[1] if styled else generator.prior.size
    seen = (code if styled else activations(generator, code)).double()
    known = torch.cat([torch.ones(len(code), 1), code[:, size:]], 1).double()
    seen = seen - known @ (torch.linalg.pinv(known) @ seen)
    values, vectors = torch.linalg.eigh(seen.T @ seen if styled else seen @ seen.T)
    kept = values.flip(0) > FLAT * values[-1]
    share, vectors = (values.flip(0) / values.sum())[kept], vectors.T.flip(0)[kept]
    return (vectors if styled else padded(vectors @ code[:, :size].double(), code.shape[1])).float(), share


def factorised(generator: Generator, code: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvectors of AᵀA, where A is all that the layers make of a code which it enters first: [m, k], shares [m].

    Shen & Zhou 2021 (SeFa), arXiv:2007.06600, equation (6). A layer is entered first when the code reaches it past no
    other layer with weights: the first one after z, or the style modulations of all layers. What precedes a layer (a
    normalisation of z, a condition beside it) enters by its Jacobian, the mean over a few codes.
    """
    size = code.shape[1] if isinstance(generator.net, Mapped) else generator.prior.size
    total = torch.zeros(size, size, dtype=torch.float64)
    for layer, given, jacobian in entrances(generator, code[:FEW], size):
        a = answers(layer, given, jacobian)
        total += a.T @ a if a is not None else 0.0
    values, vectors = torch.linalg.eigh(total)
    if values[-1] <= 0:
        raise InputError("no affine layer is entered by the code in this network, so there is nothing to factorise")
    kept = values.flip(0) > FLAT * values[-1]
    return padded(vectors.T.flip(0)[kept], code.shape[1]).float(), (values.flip(0) / values.sum())[kept]


def padded(directions: Tensor, width: int) -> Tensor:
    """Directions of latents as directions of codes: the condition stays."""
    return torch.cat([directions, directions.new_zeros(len(directions), width - directions.shape[1])], 1)


def weighted(module: nn.Module) -> bool:
    """Whether a module has weights that mix its inputs: two dimensions or more."""
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() > 1


@contextmanager
def listening(net: nn.Module, hook: Any) -> Iterator[None]:
    """Call ``hook(module, arguments)`` when a module with weights is entered."""
    handles = [m.register_forward_pre_hook(hook) for m in net.modules() if weighted(m)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def entrances(generator: Generator, code: Tensor, size: int) -> Iterator[tuple[nn.Module, Tensor, Tensor]]:
    """The layers with weights that codes [n, k] reach past no other one: the layer, what enters it [n, …], and its
    mean derivative [inputs, size] by the first ``size`` numbers of a code."""
    found: list[tuple[nn.Module, Tensor]] = []

    def enter(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if given[0].requires_grad:
            found.append((module, given[0]))
        return tuple(one.detach() if isinstance(one, Tensor) and one is given[0] else one for one in given)

    with torch.enable_grad(), listening(generator.net, enter):
        start = code[:, :size].clone().requires_grad_()
        paint(generator, torch.cat([start, code[:, size:]], 1))
        for layer, given in found:
            flat = given.flatten(1)
            if len(flat) == len(start):
                rows = [torch.autograd.grad(column.sum(), start, retain_graph=True)[0].mean(0) for column in flat.T]
                yield layer, given.detach(), torch.stack(rows)


@torch.no_grad()
def answers(layer: nn.Module, given: Tensor, jacobian: Tensor) -> Tensor | None:
    """What an affine layer makes of each direction: A [outputs, size]; None when the layer is not affine."""
    rows = jacobian.T.reshape(-1, *given.shape[1:])
    zero = layer(torch.zeros_like(given[:1]))
    one, two = layer(given[:1]) - zero, layer(2 * given[:1]) - zero
    if (two - 2 * one).norm() > LINEAR * two.norm():
        return None
    parts = [(layer(part) - zero).flatten(1) for part in rows.split(CHUNK)]
    return torch.cat(parts).double().T


class Seen(Exception):  # noqa: N818 (no error: what was looked for)
    """Ends a pass through a network early."""


def activations(generator: Generator, code: Tensor) -> Tensor:
    """What enters the second layer with weights on the way of codes [n, k]: [n, d]."""
    first = {id(layer) for layer, *_ in entrances(generator, code[:2], generator.prior.size)}
    found: list[Tensor] = []

    def enter(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if id(module) not in first and given[0].requires_grad:
            found.append(given[0].detach().flatten(1))
            raise Seen

    with torch.enable_grad(), listening(generator.net, enter):
        for part in code.split(CHUNK):
            with suppress(Seen):
                paint(generator, part.clone().requires_grad_())
                raise InputError("this network has no second layer whose activations could be analysed; use --by sefa")
    return torch.cat(found)
