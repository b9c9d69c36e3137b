"""AC-GAN: C names what samples show; its loss has the values of its formulas; without labels it says what to play."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from playing import built, one_round

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.acgan import ACGAN
from ganvas.labels import Labels
from ganvas.players import surprise
from ganvas.spaces.toys import ring

MIXED = Labels.of(["kind", "age"], [["a", "b", "c"], []], np.array([[0, 10.0], [1, 20.0], [2, 30.0]]))


def test_surprise_is_the_cross_entropy_of_classes_and_half_the_squared_error_of_numbers() -> None:
    y = MIXED.encode(MIXED.rows)
    told = torch.tensor([[2.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.5]])
    kind, age = surprise(MIXED, told, y)
    expected = [math.log(math.exp(2) + 2) - 2, math.log(math.e + 2) - 1, math.log(3)]
    torch.testing.assert_close(kind, torch.tensor(expected).mean())
    torch.testing.assert_close(age, 0.5 * (told[:, 3] - y[:, 3]).square().mean())


def test_a_head_that_knows_the_labels_is_not_surprised() -> None:
    y = MIXED.encode(MIXED.rows)
    sure = torch.cat([100 * y[:, :3], y[:, 3:]], 1)
    assert max(surprise(MIXED, sure, y)) == pytest.approx(0, abs=1e-6)


def test_the_losses_of_a_round_are_those_of_the_paper() -> None:
    data = ring(labels=True, count=500)
    (who, first), (last, second) = one_round(built(data, ACGAN, class_weight=2.0), data)
    assert (who, last) == ("D+C", "G")
    r, f = (torch.logit(torch.as_tensor(first.notes[name])) for name in ("real", "fake"))
    source = torch.nn.functional.softplus(-r).mean() + torch.nn.functional.softplus(f).mean()
    named = torch.as_tensor(first.notes["class_real"]) + torch.as_tensor(first.notes["class_fake"])
    torch.testing.assert_close(first.loss, source + 2 * named, rtol=1e-4, atol=1e-5)
    assert 0.8 * math.log(8) < float(named) / 2 < 1.2 * math.log(8)  # C knows nothing yet
    assert second.loss > 0


def test_d_is_not_told_the_labels() -> None:
    data = ring(labels=True, count=500)
    game, seen = built(data, ACGAN), []
    game.get_submodule("D").register_forward_hook(lambda module, given, _: seen.append(given[0].y))
    one_round(game, data)
    assert seen == [None, None, None]


def test_without_labels_another_game_is_proposed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs labels.*gan or r3gan"):
        gan.train("ring", run=tmp_path / "run", game="acgan", rounds=1, quiet=True)
    game = built(ring(labels=True, count=500), ACGAN)
    assert isinstance(game, ACGAN)
    with pytest.raises(InputError, match="this batch has none"):
        game.misnaming(Batch(torch.zeros(2, 2)))
