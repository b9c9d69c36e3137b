"""BEGAN: the balance k, its measure of convergence, and that both sides meet at the balance."""

from __future__ import annotations

import pytest
import torch
from playing import built, one_round

from ganvas.errors import InputError
from ganvas.game import Move
from ganvas.games.began import BEGAN, balance, convergence
from ganvas.spaces.toys import ring
from make import play


def scores(*losses: float) -> torch.Tensor:
    return -torch.tensor(losses)


def test_k_moves_by_the_balance_and_stays_between_0_and_1() -> None:
    game = built(ring(count=100), BEGAN, k_rate=0.1, diversity=0.5)
    assert isinstance(game, BEGAN)

    def after(real: torch.Tensor, fake: torch.Tensor) -> float:
        nothing = torch.zeros(())
        game.settle([("D", Move(game.D, nothing, {"real": real})), ("G", Move(game.G, nothing, {"fake": fake}))])
        return float(game.k)

    assert after(scores(0.8, 1.2), scores(0.1, 0.3)) == pytest.approx(0.1 * (0.5 * 1.0 - 0.2))
    assert after(scores(1.0), scores(0.4)) == pytest.approx(0.03 + 0.01)
    assert after(scores(0.1), scores(5.0)) == 0.0
    assert after(scores(50.0), scores(0.0)) == 1.0


def test_the_measure_is_the_real_loss_and_the_distance_from_the_balance() -> None:
    r, f = scores(0.8, 1.2), scores(0.2, 0.2)
    assert float(balance(r, f, 0.5)) == pytest.approx(0.3)
    assert float(convergence(r, f, 0.5)) == pytest.approx(1.0 + 0.3)
    assert float(convergence(scores(0.6), scores(0.3), 0.5)) == pytest.approx(0.6)


def test_the_losses_of_a_round_are_those_of_the_paper() -> None:
    data = ring(count=500)
    game = built(data, BEGAN)
    assert isinstance(game, BEGAN)
    game.k.fill_(0.25)
    (_, first), (_, second) = one_round(game, data)
    real, fake = (-torch.as_tensor(first.notes[name]).mean() for name in ("real", "fake"))
    torch.testing.assert_close(first.loss, real - 0.25 * fake)
    torch.testing.assert_close(second.loss, -torch.as_tensor(second.notes["fake"]).mean())


def test_k_is_the_same_for_four_plays_and_is_kept_in_the_state() -> None:
    data = ring(count=500)
    one, four = built(data, BEGAN, k_rate=0.1), built(data, BEGAN, k_rate=0.1)
    play(one, data, 4)
    play(four, data, 4, plays=4)
    assert 0 < float(one.state_dict()["k"]) < 1
    assert float(one.state_dict()["k"]) == pytest.approx(float(four.state_dict()["k"]), rel=1e-3)


@pytest.mark.parametrize("flags", [{"diversity": 0.0}, {"diversity": 1.5}, {"k_rate": -0.1}])
def test_impossible_settings_are_refused(flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--diversity"):
        built(ring(count=100), BEGAN, **flags)
