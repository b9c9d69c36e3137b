"""Games and nets of tables: what holds for those of pictures, on mixed rows with missing values."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch, Game
from ganvas.games.r3gan import R3GAN
from ganvas.generator import Generator
from ganvas.names import listing, member, module
from ganvas.nets import mlp
from ganvas.recipe import couple
from ganvas.space import Data
from ganvas.spaces.tables import Table, tables
from ganvas.spaces.toys import ring
from ganvas.training import checkpoints
from ganvas.training.batches import Batches
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings
from make import close, mixed, play, table, weights

NETS = ("gain", "masked", "rows")
GAMES = {"ctgan": "rows", "gain": "gain", "taegan": "masked", "tvae": "rows"}  # and the net of each
SMALL = {"hidden": 16, "units": 8, "code": 4, "pac": 4, "norm": "none"}  # batch norm looks at the whole batch
UNTIED = {"ctgan": "it draws rows again among those of a play, and judges packs of them"}  # accumulated plays differ


@pytest.fixture(scope="module")
def data() -> Data:
    return table()


def small(maker: Any) -> dict[str, Any]:
    """The flags of SMALL that a class has."""
    return {name: value for name, value in SMALL.items() if name in inspect.signature(maker).parameters}


def players(net: str, space: Any) -> tuple[Any, Any]:
    """A small G and D of a net."""
    torch.manual_seed(0)
    found = importlib.import_module(f"ganvas.nets.{net}")
    return found.Generator(space, **small(found.Generator)), found.Discriminator(space, **small(found.Discriminator))


def built(data: Data, name: str, **flags: Any) -> Game:
    """A small game, always with the same weights."""
    chosen = couple(member("games", name, Game), module("nets", GAMES[name]))
    given = {k: v for k, v in SMALL.items() if k in {flag.name for flag in chosen.flags()}} | flags
    return chosen.build(data.space, chosen.distribute(given), Settings())


def test_games_and_nets_of_tables_are_in_the_listings() -> None:
    assert set(NETS) <= listing("nets").keys()
    assert set(GAMES) <= listing("games").keys()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("shape", [(3, 16, 16), (7,)])
def test_nets_of_tables_refuse_anything_else_by_name(net: str, shape: tuple[int, ...]) -> None:
    class Other:
        def __init__(self) -> None:
            self.shape, self.labels = shape, None

    found = importlib.import_module(f"ganvas.nets.{net}")
    with pytest.raises(InputError, match=f"net {net} plays on tables; .* use --net mlp or dcgan"):
        found.Generator(Other())


@pytest.mark.parametrize("net", NETS)
def test_shapes(net: str, data: Data) -> None:
    G, D = players(net, data.space)
    x = G(torch.randn(9, G.latent), None)
    assert x.shape == (9, *data.space.shape)
    assert D(Batch(x)).shape == (9,)
    assert D.features(Batch(x)).shape == (9, D.size)


@pytest.mark.parametrize("net", NETS)
def test_every_parameter_is_learnt(net: str, data: Data) -> None:
    """By the samples, or for a net that says how likely rows are by that."""
    G, D = players(net, data.space)
    head, x = data.space.head(), data.space.encode(data.train.read(np.arange(64))[0])
    if net == "rows":
        G.noise.fill_(1.0)  # else nothing is drawn, and ``spread`` has no part in a row
    for _ in range(3):  # layers behind one that begins at 0 wait for its first step
        loss = D(Batch(head(G(torch.randn(64, G.latent), None)))).square().sum()
        if net == "masked":
            loss = loss + G.surprise(x, G.orders(Batch(x))).sum()
        loss.backward()
        with torch.no_grad():
            for p in G.parameters():
                p.sub_(1e-3 * (0 if p.grad is None else p.grad.sign()))
    found = [(f"G.{n}", p) for n, p in G.named_parameters()] + [(f"D.{n}", p) for n, p in D.named_parameters()]
    assert not [name for name, p in found if p.grad is None or not p.grad.abs().sum() > 0]


@pytest.mark.parametrize("name", GAMES)
def test_samples_are_rows_and_functions_of_seed_and_index(name: str, data: Data) -> None:
    game = built(data, name)
    play(game, data, 2)
    G = game.get_submodule("G")
    assert isinstance(G, Generator)
    x, _ = G.draw(range(600), seed=4)
    assert torch.equal(G.draw([2, 599], seed=4)[0], x[[2, 599]])
    assert not torch.equal(G.draw(range(600), seed=5)[0], x)
    assert isinstance(data.space, Table)
    again = data.space.encode(data.space.decode(x))
    classes = [i for start, width in data.space.head().blocks for i in range(start, start + width)]  # type: ignore[union-attr]
    assert torch.equal(x[:, classes], again[:, classes])
    assert torch.equal(x[:, 5], again[:, 5])  # missing or not
    made = data.space.frame(data.space.decode(x))
    assert list(made.columns) == list(mixed().columns)
    assert (made.dtypes == mixed().dtypes).all()


@pytest.mark.parametrize("name", GAMES)
def test_a_loop_written_by_hand_equals_the_shipped_one(name: str, data: Data) -> None:
    shipped, game = built(data, name), built(data, name)
    play(shipped, data, 6)
    batches, optimisers = Batches(data, 32, seed=3), Optimisers(game)
    for _ in range(6):
        for player, loss, *_ in game.play(batches):
            names = optimisers.names(player)
            loss.backward(inputs=optimisers.weights(names))
            optimisers.step(names)
        game.t, game.seen = game.t + 1, batches.position
    assert torch.equal(weights(game), weights(shipped))


@pytest.mark.parametrize("name", GAMES)
def test_four_accumulated_plays_equal_one(name: str, data: Data) -> None:
    one, four = built(data, name), built(data, name)
    play(one, data, 4)
    play(four, data, 4, plays=4)
    if name in UNTIED:
        with pytest.raises(AssertionError, match="apart"):
            close(one, four, start=built(data, name))
    else:
        close(one, four, start=built(data, name))


@pytest.mark.parametrize("name", GAMES)
def test_every_player_moves_in_a_round(name: str, data: Data) -> None:
    game = built(data, name, **{"patient": 1} if name == "taegan" else {})
    if name == "taegan":
        game.get_buffer("waited").fill_(1.0)  # its warm-up is over, and the critic plays
    before = {player: [p.clone() for p in net.parameters()] for player, net in game.players().items()}
    moves = next(rounds(game, Batches(data, 32, seed=3), Optimisers(game)))
    assert {player for names, _ in moves for player in names.split("+")} == before.keys()
    assert all(torch.isfinite(move.loss) for _, move in moves)
    for player, net in game.players().items():
        assert any(not torch.equal(a, b) for a, b in zip(before[player], net.parameters(), strict=True)), player


@pytest.mark.parametrize("name", GAMES)
def test_a_resumed_run_equals_an_unbroken_one(name: str, tmp_path: Path) -> None:
    frame = mixed()
    how = {"batch": 16, "quiet": True, "threads": 1, "checkpoint_every": 3, "ema": 100, "metric": "sliced_wasserstein"}
    chosen = couple(member("games", name, Game), module("nets", GAMES[name]))
    how |= {k: v for k, v in SMALL.items() if k in {flag.name for flag in chosen.flags()}}
    how |= {"game": name, "net": GAMES[name], "rounds": 6}
    whole = gan.train(frame, run=tmp_path / "whole", **how)

    def stop(t: int, game: Game, line: object) -> None:
        if t == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.train(frame, run=tmp_path / "cut", monitors=[stop], **how)
    half = gan.train(resume=tmp_path / "cut", data=tables(frame), quiet=True)
    states = [checkpoints.latest(run.path / "state") for run in (whole, half)]
    for file in ("weights.safetensors", "optimisers.safetensors"):
        ours, theirs = (safetensors.torch.load_file(state / file) for state in states if state)
        assert ours.keys() == theirs.keys()
        assert not [key for key in ours if not torch.equal(ours[key], theirs[key])]


def test_games_of_pictures_play_on_rows_too(data: Data) -> None:
    made = couple(R3GAN, mlp)
    game = made.build(data.space, made.distribute({"hidden": 16, "latent": 4}), Settings())
    moves = next(rounds(game, Batches(data, 32, seed=3), Optimisers(game)))
    assert all(torch.isfinite(move.loss) for _, move in moves)


@pytest.mark.parametrize("name", ["ctgan", "gain", "tvae"])
def test_a_game_of_tables_refuses_other_data_by_name(name: str) -> None:
    with pytest.raises(InputError, match="plays on tables"):
        built(ring(count=100), name)
