"""All games beside the first four: a hand-written loop, accumulation and a resumed run change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from playing import built, by_hand, one_round

import ganvas as gan
from ganvas.game import Game
from ganvas.games.acgan import ACGAN
from ganvas.games.began import BEGAN
from ganvas.games.bigan import BiGAN
from ganvas.games.ebgan import EBGAN
from ganvas.games.infogan import InfoGAN
from ganvas.games.unrolled import UnrolledGAN
from ganvas.games.vae import VAE
from ganvas.games.vae_gan import VAEGAN
from ganvas.names import listing, member
from ganvas.nets import dcgan
from ganvas.spaces.toys import ring
from ganvas.training import checkpoints
from make import close, play, weights

GAMES: list[type[Game]] = [ACGAN, BEGAN, BiGAN, EBGAN, InfoGAN, UnrolledGAN, VAE, VAEGAN]


def test_no_game_is_forgotten() -> None:
    known = {"gan", "r3gan", "wgan", "wgan_gp"}  # in tests/contract
    ours = {member("games", name, Game) for name in listing("games") if name not in known}
    assert set(GAMES) <= ours


@pytest.mark.parametrize("kind", GAMES)
@pytest.mark.parametrize("labels", [False, True])
def test_a_loop_written_by_hand_equals_the_shipped_one(kind: type[Game], labels: bool) -> None:
    if kind is ACGAN and not labels:
        pytest.skip("needs labels")
    data = ring(labels=labels, count=500)
    shipped = built(data, kind)
    play(shipped, data, 6)
    assert torch.equal(weights(by_hand(built(data, kind), data, 6)), weights(shipped))


@pytest.mark.parametrize("kind", GAMES)
def test_four_accumulated_plays_equal_one(kind: type[Game]) -> None:
    data, flags = ring(labels=True, count=500), {"unroll": 0} if kind is UnrolledGAN else {}
    one, four = built(data, kind, **flags), built(data, kind, **flags)
    play(one, data, 5)
    play(four, data, 5, plays=4)
    close(one, four, start=built(data, kind, **flags))


@pytest.mark.parametrize(("kind", "flags"), [(UnrolledGAN, {"unroll": 5}), (EBGAN, {"pulling_away": 1.0})])
def test_what_looks_at_the_whole_batch_does_not_accumulate(kind: type[Game], flags: dict[str, float]) -> None:
    """As their docstrings say."""
    data = ring(labels=True, count=500)
    one, four = built(data, kind, **flags), built(data, kind, **flags)
    play(one, data, 5)
    play(four, data, 5, plays=4)
    with pytest.raises(AssertionError, match="apart"):
        close(one, four, start=built(data, kind, **flags))


@pytest.mark.parametrize("kind", GAMES)
def test_every_player_moves_in_a_round(kind: type[Game]) -> None:
    data = ring(labels=True, count=500)
    game = built(data, kind)
    before = {name: [p.clone() for p in player.parameters()] for name, player in game.players().items()}
    moved = {name for names, _ in one_round(game, data) for name in names.split("+")}
    assert moved == before.keys()
    for name, player in game.players().items():
        assert any(not torch.equal(a, b) for a, b in zip(before[name], player.parameters(), strict=True)), name


@pytest.mark.parametrize("kind", GAMES)
def test_the_game_plays_on_pictures(kind: type[Game]) -> None:
    data = gan.digits()
    moves = one_round(built(data, kind, dcgan), data)
    assert all(torch.isfinite(move.loss) for _, move in moves)


@pytest.mark.parametrize("kind", GAMES)
def test_a_resumed_run_equals_an_unbroken_one(kind: type[Game], tmp_path: Path) -> None:
    data, name = ring(labels=True, count=500), kind.__module__.rsplit(".", 1)[1]
    how = {"hidden": 16, "latent": 4, "batch": 16, "quiet": True, "threads": 1, "checkpoint_every": 3, "ema": 100}
    whole = gan.train(data, run=tmp_path / "whole", game=name, rounds=6, **how)
    gan.train(data, run=tmp_path / "half", game=name, rounds=3, **how)
    half = gan.train(resume=tmp_path / "half", data=data, rounds=6, override=True, quiet=True)
    states = [checkpoints.latest(run.path / "state") for run in (whole, half)]
    for file in ("weights.safetensors", "optimisers.safetensors"):
        ours, theirs = (safetensors.torch.load_file(state / file) for state in states if state)
        assert ours.keys() == theirs.keys()
        assert not [key for key in ours if not torch.equal(ours[key], theirs[key])]
