"""InfoGAN: codes instead of labels, a bound on what they say, and codes that come to mean something."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from playing import built, one_round

import ganvas as gan
from ganvas.errors import InputError
from ganvas.games.infogan import InfoGAN, information
from ganvas.labels import Labels
from ganvas.players import surprise
from ganvas.spaces.toys import ring


def codes(**settings: int) -> Labels:
    made = InfoGAN.conditions(None, settings)
    assert made is not None
    return made


def test_the_codes_are_uniform_classes_and_uniform_numbers() -> None:
    made = codes()
    assert [c.name for c in made.columns] == ["code", "c1", "c2"]
    shares = np.bincount(made.rows[:, 0].astype(int)) / len(made.rows)
    assert np.allclose(shares, 0.1)
    numbers = made.encode(made.rows)[:, 10:]
    assert numbers.abs().max() <= 3**0.5
    assert numbers.mean(0).abs().max() < 0.05
    assert (numbers.std(0) - 1).abs().max() < 0.05
    assert abs(float(torch.corrcoef(made.encode(made.rows)[:, 10:].T)[0, 1])) < 0.05


@pytest.mark.parametrize(
    ("settings", "width"), [({}, 12), ({"categories": 0}, 2), ({"categories": 4, "continuous": 0}, 4)]
)
def test_codes_of_either_kind_alone_play(settings: dict[str, int], width: int) -> None:
    assert codes(**settings).width == width
    data = ring(count=500)
    for _, move in one_round(built(data, InfoGAN, **settings), data):
        assert torch.isfinite(move.loss)


@pytest.mark.parametrize("settings", [{"categories": 0, "continuous": 0}, {"categories": -1}, {"continuous": -2}])
def test_no_codes_or_fewer_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InputError, match="needs a code"):
        codes(**settings)


def test_the_bound_is_the_entropy_of_the_code_for_a_reader_who_knows_it_and_0_for_one_who_guesses() -> None:
    made = codes(categories=7, continuous=0)
    y = made.encode(made.rows)
    torch.testing.assert_close(information(made, surprise(made, 200 * y, y)), torch.tensor(math.log(7)))
    torch.testing.assert_close(
        information(made, surprise(made, torch.zeros_like(y), y)), torch.tensor(0.0), atol=1e-5, rtol=0
    )


def test_the_bound_of_a_number_is_its_entropy_and_a_log_likelihood() -> None:
    """H of U(-1, 1) and log N(c; m, s²) agree with those of the standardised number."""
    made = codes(categories=0, continuous=1)
    y = made.encode(made.rows)
    wrong = y + 0.3
    s = made.columns[0].std  # variance 1 of the standardised number is s² of the number itself
    normal = torch.distributions.Normal(torch.as_tensor(s) * wrong, s)
    expected = math.log(2) + normal.log_prob(s * y).mean()
    torch.testing.assert_close(information(made, surprise(made, wrong, y)), expected, rtol=1e-5, atol=1e-6)


def test_labels_of_the_data_are_not_looked_at() -> None:
    with_labels, without = ring(labels=True, count=500), ring(count=500)
    games = [built(data, InfoGAN) for data in (with_labels, without)]
    losses = [[move.loss for _, move in one_round(g, d)] for g, d in zip(games, (with_labels, without), strict=True)]
    assert losses[0] == losses[1]


def test_a_run_takes_codes_as_labels(tmp_path: Path) -> None:
    how = {"hidden": 16, "latent": 4, "rounds": 2, "quiet": True}
    run = gan.train("ring", run=tmp_path / "run", game="infogan", **how)
    _, labels = run.samples(range(3), label="code=3,c1=0.5,c2=0")
    assert labels is not None
    assert labels.tolist() == [[3.0, 0.5, 0.0]] * 3
    with pytest.raises(InputError, match="code"):
        run.samples(range(1), label="code=11,c1=0,c2=0")
