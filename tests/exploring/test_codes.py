"""Codes: the samples that generate draws, ways between them, and what a user may write."""

from __future__ import annotations

import math
from pathlib import Path

import making
import numpy as np
import pytest
import torch

from ganvas.errors import InputError
from ganvas.exploring.latent import along, between, codes, drawn, numbers, paint, slerp
from ganvas.labels import Labels

KINDS = Labels.of(["kind"], [["a", "b", "c"]], np.array([[0], [1], [1], [2]]))


@pytest.mark.parametrize("truncation", [None, 0.5])
@pytest.mark.parametrize("label", [None, "b"])
def test_codes_are_the_samples_that_generate_draws(tmp_path: Path, label: str | None, truncation: float | None) -> None:
    for run, told in ((making.dense(tmp_path / "z", labels=KINDS), label), (making.styled(tmp_path / "w"), None)):
        which = [0, 3, 40]
        expected, _ = run.samples(which, 7, told, truncation)
        assert np.array_equal(drawn(run, codes(run, which, 7, told, truncation)), expected)


def test_what_is_drawn_does_not_depend_on_how_much(tmp_path: Path) -> None:
    for run in (making.dense(tmp_path / "z"), making.styled(tmp_path / "w")):
        code = codes(run, range(40))
        assert np.array_equal(drawn(run, code[35:36])[0], drawn(run, code)[35])


def test_painting_keeps_the_graph(tmp_path: Path) -> None:
    for run in (making.dense(tmp_path / "z", labels=KINDS), making.styled(tmp_path / "w")):
        code = codes(run, [0]).requires_grad_()
        paint(run.generator, code).sum().backward()
        assert code.grad is not None
        assert code.grad.abs().sum() > 0


def test_a_great_circle() -> None:
    a, b = torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[0.0, 5.0, 0.0]])
    t = torch.tensor([0.0, 0.25, 0.5, 1.0])
    found = slerp(a.expand(4, -1), b.expand(4, -1), t)
    angle, length = t * math.pi / 2, 3 + 2 * t
    assert torch.allclose(found[:, 0], length * angle.cos(), atol=1e-6)
    assert torch.allclose(found[:, 1], length * angle.sin(), atol=1e-6)
    assert torch.allclose(found[:, 2], torch.zeros(4))


@pytest.mark.parametrize("times", [2.0, -1.0, 0.0])
def test_a_way_that_has_no_circle_is_straight(times: float) -> None:
    a = torch.tensor([[1.0, 2.0]])
    assert torch.allclose(slerp(a, times * a, torch.tensor([0.25])), (0.75 + 0.25 * times) * a)


def test_between_turns_normal_latents_and_goes_straight_for_all_else(tmp_path: Path) -> None:
    half = torch.tensor([0.5])
    normal, flat = making.dense(tmp_path / "z", labels=KINDS), making.dense(tmp_path / "u", kind="uniform")
    a, b = codes(normal, [0], label="a"), codes(normal, [1], label="c")
    middle = between(normal.generator, a, b, half)
    assert torch.allclose(middle[:, :6], slerp(a[:, :6], b[:, :6], half))
    assert middle[0, 6:].tolist() == [0.5, 0, 0.5]
    for run in (flat, making.styled(tmp_path / "w")):
        a, b = codes(run, [0]), codes(run, [1])
        assert torch.equal(between(run.generator, a, b, half), a + 0.5 * (b - a))


def test_along_moves_only_the_layers_that_are_named(tmp_path: Path) -> None:
    run = making.styled(tmp_path / "w")
    code = codes(run, [0, 1])
    moved = along(run, code, torch.ones_like(code), [1, 2]) - code[:, None]
    assert moved[:, [1, 2]].allclose(torch.ones(()))
    assert not moved[:, [0, 3]].any()


def test_lists_of_numbers() -> None:
    assert numbers("0,3, 5-8,2") == [0, 3, 5, 6, 7, 8, 2]


@pytest.mark.parametrize(
    "text", ["", "a", "-1", "3-1", "1,", "0-9999999", "1e3", "0-" + "9" * 400, "٣", "1;2", ",".join(["0"] * 2000)]
)
def test_lists_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="--seeds"):
        numbers(text)
