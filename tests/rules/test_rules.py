"""House rules: what is added to any game, and that nothing is added when nobody asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import ganvas as gan
from ganvas import penalties
from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator, Game, Move
from ganvas.games.gan import GAN
from ganvas.games.r3gan import R3GAN
from ganvas.games.wgan_gp import WGANGP
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.nets import mlp
from ganvas.recipe import couple
from ganvas.rules.dressed import Crowd, Dressed
from ganvas.rules.rules import Rules
from ganvas.spaces.toys import ring
from ganvas.training.batches import Batches
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings
from make import close, game_on, play, weights


def ruled(rules: dict[str, Any], kind: type[Game] = GAN, **settings: Any) -> Game:
    """A small game on the ring whose players follow the rules."""
    made = couple(kind, mlp)
    given = {"rules": rules, "game": settings, "G": {"hidden": 32, "latent": 8}, "D": {"hidden": 32}}
    return made.build(ring(count=500).space, given, Settings())


class Linear(Discriminator):
    """D(x) = w·x: its slope is w everywhere."""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, batch: Batch) -> Tensor:
        return batch.x @ self.w


def test_without_a_word_nothing_is_added() -> None:
    data = ring(count=500)
    plain, also = game_on(data, R3GAN), game_on(data, R3GAN)
    play(plain, data, 5)
    play(also, data, 5, rules=Rules(lazy=16))
    assert torch.equal(weights(plain), weights(also))
    batches = Batches(data, 32)
    assert "Rules" not in str(Rules().play(plain, batches))


def test_r1_as_a_rule_is_r1_in_the_game() -> None:
    """R3GAN's two penalties, added from outside to a game without them, give the same round."""

    class Bare(Game):
        G: Generator
        D: Discriminator

        def optimiser(self, player: str) -> gan.Adam:
            return gan.Adam(2e-4, (0.0, 0.9))

        def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
            real = next(batches)
            f = self.D(self.G.sample(like=real).detach())
            yield Move(self.D, gan.losses.relativistic.discriminator(self.D(real), f))

    class Whole(Bare):
        def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
            real = next(batches)
            fake = self.G.sample(like=real).detach()
            loss = gan.losses.relativistic.discriminator(self.D(real), self.D(fake))
            yield Move(self.D, loss + 3 * penalties.r1(self.D, real))

    data = ring(count=500)
    outside, inside = game_on(data, Bare), game_on(data, Whole)
    play(outside, data, 4, rules=Rules(r1=3.0))
    play(inside, data, 4)
    close(outside, inside, start=game_on(data, Bare))


@pytest.mark.parametrize("name", ["r1", "r2", "slope", "approximate", "consistency"])
@pytest.mark.parametrize("kind", [GAN, R3GAN, WGANGP])
def test_penalties_join_every_move_of_every_game(kind: type[Game], name: str) -> None:
    rules = Rules(**{name: 2.0})
    data, game = ring(count=500), ruled({name: 2.0}, kind)
    moves = next(rounds(game, Batches(data, 32), Optimisers(game), rules=rules))
    critics = [move for who, move in moves if who == "D"]
    assert critics
    assert all(float(torch.as_tensor(move.notes[name])) >= 0 for move in critics)
    assert all(name not in move.notes for who, move in moves if who == "G")


def test_lazy_penalties_play_in_some_rounds_with_more_weight() -> None:
    data = ring(count=500)
    game, rules = ruled({}), Rules(r1=2.0, lazy=3)
    loop = rounds(game, Batches(data, 32), Optimisers(game), rules=rules)
    told = ["r1" in next(loop)[0][1].notes for _ in range(6)]
    assert told == [True, False, False] * 2
    w = torch.tensor([3.0, 4.0])
    game = GAN(G=Generator(mlp.Generator(data.space, latent=8), Prior(8)), D=Linear(w))
    batch = next(Batches(data, 32))
    with_rule = next(iter(rules.play(game, iter([batch]))))
    without = next(iter(game.play(iter([batch]))))
    assert float((Move(*with_rule).loss - Move(*without).loss).detach()) == pytest.approx(2 * 3 * 25 / 2, rel=1e-4)


def test_closed_forms_on_a_linear_critic() -> None:
    w = torch.tensor([3.0, 4.0])
    D, batch = Linear(w), Batch(torch.randn(4096, 2))
    torch.manual_seed(0)
    assert float(penalties.approximate(D, batch, 2.0).detach()) == pytest.approx(25, rel=0.1)  # E (w·ε)² = |w|²
    other = batch.at(batch.x + torch.tensor([1.0, 0.0]))
    assert float(penalties.consistency(D, batch, other).detach()) == pytest.approx(9, rel=1e-4)


def test_path_lengths_of_a_linear_generator() -> None:
    """x = A w: the length is |Aᵀ ε|, whose mean square is the squared norm of A."""
    torch.manual_seed(0)
    A, w = torch.randn(5, 3), torch.randn(20000, 3, requires_grad=True)
    lengths = penalties.path_lengths(w, w @ A.T)
    assert float(lengths.detach().square().mean()) == pytest.approx(float(A.square().sum()), rel=0.05)
    pictures = (w @ A.T)[:, :, None, None].expand(-1, -1, 4, 4)
    assert float(penalties.path_lengths(w, pictures).detach().square().mean()) == pytest.approx(
        float(A.square().sum()), rel=0.05
    )


def test_orthogonal_regularisation_is_zero_on_orthogonal_rows_of_any_length() -> None:
    layer = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 0, 0], [0, 5.0, 0]]))
    assert float(penalties.orthogonal(layer).detach()) == 0
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0, 0], [3.0, 1.0, 0]]))
    assert float(penalties.orthogonal(layer).detach()) == pytest.approx(2 * 9)


def test_the_mean_path_length_follows_the_notes() -> None:
    data, game = ring(count=500), ruled({"path_length": 2.0})
    rules = Rules(path_length=2.0)
    loop = rounds(game, Batches(data, 32), Optimisers(game), rules=rules)
    path = Move(*next(loop)[-1][1]).notes["path"]
    assert float(game.get_buffer("mean_path")) == pytest.approx(0.01 * float(torch.as_tensor(path)), rel=1e-4)


def test_instance_noise_fades_with_the_samples_seen() -> None:
    game, rules = ruled({"instance_noise": 0.4}), Rules(instance_noise=0.4)
    D = game.get_submodule("D")
    assert isinstance(D, Dressed)
    batch = Batch(torch.randn(8, 2))
    seen = []
    for game.seen in (0, 500, 1000, 2000):
        game.planned = 1000
        next(iter(rules.play(game, Batches(ring(count=500), 32))))
        seen.append(float(D.sigma))
    assert seen == pytest.approx([0.4, 0.2, 0, 0])
    D.sigma.fill_(0.3)
    torch.manual_seed(0)
    assert float((D.seen(batch.at(torch.zeros(20000, 2))).x).std()) == pytest.approx(0.3, rel=0.05)
    D.eval()
    assert D.seen(batch) is batch


@pytest.mark.parametrize("kind", ["discrimination", "std"])
def test_a_crowd_sees_how_much_a_batch_varies(kind: Any) -> None:
    torch.manual_seed(0)
    crowd = Crowd(kind, 6, 0)
    features = torch.randn(8, 6)
    same = features[:1].expand(8, -1)
    assert not torch.allclose(crowd(features, None)[:1], crowd(same, None)[:1])
    game = ruled({"minibatch": kind})
    play(game, ring(count=500), 3, rules=Rules(minibatch=kind))
    D = game.get_submodule("D")
    assert isinstance(D, Dressed)
    assert all(p.grad is None and torch.isfinite(p).all() for p in D.parameters())


def test_spectral_norm_is_one_on_every_layer() -> None:
    game = ruled({"spectral_norm": True})
    play(game, ring(count=500), 60, rules=Rules(spectral_norm=True))
    layers = [m for m in game.get_submodule("D").modules() if isinstance(m, nn.Linear)]
    assert len(layers) == 3
    assert [float(torch.linalg.matrix_norm(m.weight.detach(), 2)) for m in layers] == pytest.approx([1] * 3, abs=0.1)


@pytest.mark.parametrize("rules", [
    {"r1": 1.0, "r2": 0.5},
    {"slope": 1.0, "lazy": 2},
    {"instance_noise": 0.2},
    {"consistency": 1.0},
    {"approximate": 1.0},
])  # fmt: skip
def test_four_accumulated_plays_equal_one_under_rules(rules: dict[str, Any]) -> None:
    data = ring(labels=True, count=500)

    def fresh() -> Game:
        given = {"rules": rules, "game": {}, "G": {"hidden": 32, "latent": 8}, "D": {"hidden": 32}}
        return couple(GAN, mlp).build(data.space, given, Settings())

    one, four = fresh(), fresh()
    play(one, data, 5, rules=Rules(**rules))
    play(four, data, 5, plays=4, rules=Rules(**rules))
    close(one, four, start=fresh())


def test_rules_survive_a_resume_bit_for_bit(tmp_path: Path) -> None:
    flags: dict[str, Any] = {
        "game": "gan", "net": "dcgan", "width": 4, "latent": 8, "quiet": True, "precision": "float32",
        "augment": "ada", "augment_target": 0.0, "path_length": 1.0, "instance_noise": 0.1, "lazy": 2,
    }  # fmt: skip

    class Kill:
        def __call__(self, t: int, game: Game, line: object) -> None:
            if t == 25:
                raise KeyboardInterrupt

    whole = gan.train("digits", run=tmp_path / "whole", rounds=40, checkpoint_every=20, **flags)
    with pytest.raises(KeyboardInterrupt):
        gan.train("digits", run=tmp_path / "cut", rounds=40, checkpoint_every=20, monitors=[Kill()], **flags)
    resumed = gan.train(resume=tmp_path / "cut", quiet=True)
    assert whole.log[-1]["D"] == resumed.log[-1]["D"]
    for name in ("weights", "optimisers"):
        a, b = ((r.path / "state" / "000000040" / f"{name}.safetensors").read_bytes() for r in (whole, resumed))
        assert a == b
    from safetensors.torch import load_file

    state = load_file(whole.path / "state" / "000000040" / "weights.safetensors")
    assert 0 < float(state["game.D.augment.p"]) < 0.01
    assert float(state["game.mean_path"]) > 0


@pytest.mark.parametrize(("flags", "message"), [
    ({"r1": -1.0}, "--r1 must not be negative"),
    ({"lazy": 0, "r1": 1.0}, "--lazy 1 or more"),
    ({"augment": "ada"}, "pictures"),
])  # fmt: skip
def test_senseless_rules_are_refused(flags: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        gan.train("ring", run=tmp_path / "run", rounds=1, quiet=True, **flags)
