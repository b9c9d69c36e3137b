"""The loop: its three levels are one, accumulation and ranks change nothing, mistakes are named."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import ganvas as gan
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.games.gan import GAN
from ganvas.games.r3gan import R3GAN
from ganvas.games.wgan import WGAN
from ganvas.games.wgan_gp import WGANGP
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.spaces.toys import ring
from ganvas.training.batches import Batches
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers
from make import close, game_on, play, weights

GAMES = [GAN, R3GAN, WGAN, WGANGP]
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("kind", GAMES)
def test_a_loop_written_by_hand_equals_the_shipped_one(kind: type[Game]) -> None:
    data = ring(labels=True, count=500)
    shipped = game_on(data, kind)
    ema = play(shipped, data, 12)

    game = game_on(data, kind)
    batches, optimisers, average = Batches(data, 32, seed=3), Optimisers(game), EMA(game, 1000)
    for _ in range(12):
        for player, loss, *_ in game.play(batches):
            names = optimisers.names(player)
            loss.backward(inputs=optimisers.weights(names))
            optimisers.step(names)
        shown, game.seen, game.t = batches.position - game.seen, batches.position, game.t + 1
        average.update(game, shown, game.seen)
    assert torch.equal(weights(game), weights(shipped))
    for ours, theirs in zip(average.average.parameters(), ema.average.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", GAMES)
@pytest.mark.parametrize("labels", [False, True])
def test_four_accumulated_plays_equal_one(kind: type[Game], labels: bool) -> None:
    data = ring(labels=labels, count=500)
    one, four = game_on(data, kind), game_on(data, kind)
    play(one, data, 5)
    play(four, data, 5, plays=4)
    close(one, four, start=game_on(data, kind))


def test_accumulation_holds_one_play_in_memory_at_a_time() -> None:
    """Live graphs never exceed those of one play: every loss is dropped before the next play moves."""
    data, alive, most = ring(count=500), 0, 0

    class Counting(Game):
        G: Generator
        D: Discriminator

        def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
            nonlocal alive, most
            real = next(batches)
            alive += 1
            most = max(most, alive)
            loss = self.D(real).square().mean()
            loss.register_hook(lambda _: finish())
            yield Move(self.D, loss)

    def finish() -> None:
        nonlocal alive
        alive -= 1

    play(game_on(data, Counting), data, 3, plays=4)
    assert (alive, most) == (0, 1)


RANKS = """
    import os, sys, torch
    sys.path.insert(0, {tests!r})
    from make import game_on, play, weights
    from ganvas.games.{module} import {name}
    from ganvas.spaces.toys import ring
    from ganvas.training.devices import choose
    torch.set_num_threads(1)
    data = ring(labels=True, count=500)
    game, device = game_on(data, {name}), choose("cpu", "float32")
    play(game, data, 5, device=device)
    if device.first:
        torch.save(weights(game), {out!r})
    device.share(0.0)  # leave together and at once, as the command line does: gloo's teardown may abort
    os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [R3GAN, WGANGP])
def test_two_ranks_equal_one_process(kind: type[Game], tmp_path: Path) -> None:
    out, script = tmp_path / "weights.pt", tmp_path / "play.py"
    module = kind.__module__.rsplit(".", 1)[1]
    script.write_text(textwrap.dedent(RANKS).format(tests=str(TESTS), module=module, name=kind.__name__, out=str(out)))
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    data = ring(labels=True, count=500)
    alone = game_on(data, kind)
    play(alone, data, 5)
    way, gap = weights(alone) - weights(game_on(data, kind)), weights(alone) - torch.load(out, weights_only=True)
    assert gap.norm() < 1e-3 * way.norm()


def mistake(body: str) -> type[Game]:
    scope: dict[str, object] = {"Game": Game, "Generator": Generator, "Discriminator": Discriminator, "torch": torch}
    text = "class Mistake(Game):\n    G: Generator\n    D: Discriminator\n    def play(self, batches):\n"
    text += textwrap.indent(textwrap.dedent(body), " " * 8)
    exec(compile(text, "mistake", "exec", dont_inherit=True), scope)  # annotations are classes, not strings
    made = scope["Mistake"]
    assert isinstance(made, type)
    assert issubclass(made, Game)
    return made


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("with torch.no_grad():\n    yield self.D, self.D(next(batches)).mean()", "no_grad"),
        ("with torch.autocast('cpu', torch.bfloat16):\n    yield self.D, self.D(next(batches)).mean()", "autocast"),
        ("yield torch.nn.Linear(1, 1), self.D(next(batches)).mean()", "not a player"),
        ("yield self.D, self.D(next(batches)).mean().detach()", "does not depend on"),
        ("yield self.D, self.D(next(batches))", "scalar"),
    ],
)
def test_mistakes_in_a_game_are_named(body: str, message: str) -> None:
    data = ring(count=500)
    with pytest.raises(TypeError, match=message):
        play(game_on(data, mistake(body)), data, 1)
    assert torch.is_grad_enabled()
    assert not torch.is_autocast_enabled("cpu")


def test_players_must_own_their_weights() -> None:
    data = ring(count=500)
    game = game_on(data, GAN)
    game.get_submodule("G.net.body")[0] = game.get_submodule("D.body")[0]
    with pytest.raises(TypeError, match="share the parameter"):
        Optimisers(game)


def test_only_the_player_of_a_move_moves() -> None:
    data = ring(count=500)
    game = game_on(data, WGANGP, critic_moves=1)
    optimisers = Optimisers(game)
    before = {n: [p.clone() for p in m.parameters()] for n, m in game.players().items()}
    for player, loss, _ in game.play(Batches(data, 32)):
        names = optimisers.names(player)
        loss.backward(inputs=optimisers.weights(names))
        others = [p for n, m in game.players().items() if n not in names for p in m.parameters()]
        assert all(p.grad is None for p in others)
        if names == ["D"]:
            optimisers.step(names)
            assert all(map(torch.equal, before["G"], game.G.parameters()))


def test_clipping_keeps_the_critic_in_its_box_after_every_move() -> None:
    data = ring(count=500)
    game = game_on(data, WGAN, clip_weights=0.01)
    play(game, data, 2)
    assert max(p.abs().max().item() for p in game.D.parameters()) <= 0.01


def test_a_gradient_norm_is_clipped() -> None:
    data = ring(count=500)
    game = game_on(data, GAN)
    loop = gan.rounds(game, Batches(data, 32), Optimisers(game), clip=1e-9)
    before = weights(game)
    next(loop)
    assert not torch.equal(before, weights(game))  # Adam rescales, but it did move
    assert torch.isfinite(weights(game)).all()


def test_k_discriminator_moves_and_epochs() -> None:
    data = ring(count=640)
    game = game_on(data, GAN, discriminator_moves=3, generator_moves=2)
    moves = next(gan.rounds(game, Batches(data, 32), Optimisers(game)))
    assert [name for name, _ in moves] == ["D", "D", "D", "G", "G"]
    assert game.seen == 4 * 32  # G's first move meets the last batch again
    game = game_on(data, GAN, turns="epochs")
    moves = next(gan.rounds(game, Batches(data, 96), Optimisers(game)))
    assert [name for name, _ in moves] == ["D"] * 6 + ["G"] * 6  # 576 training rows / 96


def test_the_original_game_reuses_the_fake_batch_through_the_updated_discriminator() -> None:
    data, made = ring(count=500), []
    game = game_on(data, GAN)
    game.get_submodule("G").register_forward_hook(lambda *a: made.append(a[2]))
    next(gan.rounds(game, Batches(data, 32), Optimisers(game)))
    assert len(made) == 1


def test_batches_visit_every_row_once_in_an_epoch_and_resume_anywhere() -> None:
    data = ring(count=100, holdout=0.0)
    batches = Batches(data, 10, seed=1)
    first = torch.cat([next(batches).x for _ in range(10)])
    assert sorted(map(tuple, first.tolist())) == sorted(map(tuple, data.space.encode(data.train.raw).tolist()))
    rest = [next(batches).x for _ in range(7)]
    again = Batches(data, 10, seed=1)
    again.position = 130
    assert torch.equal(next(again).x, rest[3])


def test_dropout_repeats_with_the_position() -> None:
    data, drop = ring(count=100), nn.Dropout(0.5)
    batches = Batches(data, 10, seed=1)
    next(batches)
    first = drop(next(batches).x)
    torch.rand(5)
    batches.position = 10
    assert torch.equal(drop(next(batches).x), first)


def test_schedules_follow_samples_seen() -> None:
    data = ring(count=500)
    game = game_on(data, R3GAN, burn=0.5, lr_after=0.25)
    game.planned = 1000
    betas, rates, applied = [], [], []
    optimisers = Optimisers(game, lr=0.01)
    for game.seen in (0, 250, 500, 900):
        wanted = game.optimiser("D")
        assert isinstance(wanted, Adam)
        betas.append(wanted.betas[1])
        rates.append(wanted.lr)
        optimisers.tune(game)
        applied.append(optimisers.of["D"].param_groups[0]["lr"])
    assert betas == pytest.approx([0.9, 0.945, 0.99, 0.99])
    assert rates == pytest.approx([2e-4, 1.25e-4, 5e-5, 5e-5])
    assert applied == pytest.approx([0.01, 0.00625, 0.0025, 0.0025])  # --lr sets the start, the game its course


def test_ema_has_a_half_life_in_samples_and_averages_buffers() -> None:
    game, net = nn.Module(), nn.BatchNorm1d(2)
    game.add_module("G", Generator(net, Prior(2)))
    ema = EMA(game, half_life=100)
    with torch.no_grad():
        net.weight.fill_(3.0)
        net.get_buffer("running_mean").fill_(8.0)
        net.get_buffer("num_batches_tracked").fill_(7)
    ema.update(game, shown=100, seen=1_000_000)
    average = ema.average.get_submodule("G.net").state_dict()
    assert average["weight"].tolist() == [2.0, 2.0]
    assert average["running_mean"].tolist() == [4.0, 4.0]
    assert average["num_batches_tracked"] == 7
    young = EMA(game, half_life=100)
    with torch.no_grad():
        net.weight.fill_(5.0)
    young.update(game, shown=64, seen=64)  # half-life 3.2 samples: as good as a copy
    torch.testing.assert_close(young.average.get_parameter("G.net.weight"), net.weight, atol=1e-4, rtol=0)


def test_held_out_rows_are_never_trained_on() -> None:
    data = ring(count=60, holdout=0.25, seed=4)
    batches = Batches(data, 15, seed=1)
    drawn = {tuple(x) for _ in range(12) for x in next(batches).x.tolist()}
    held = {tuple(x) for x in data.space.encode(data.held_out.raw[data.held_out.index]).tolist()}
    assert (len(held), len(drawn)) == (15, 45)
    assert not held & drawn
