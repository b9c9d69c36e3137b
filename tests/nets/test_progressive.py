"""Growing networks and their game: the paper's counts, levels and fading, the schedule, resuming while they grow."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from claims import (
    KINDS,
    ONE,
    SHAPES,
    can_be_copied_called_and_saved,
    can_be_penalised,
    count,
    is_a_function_of_each_sample_alone,
    runs_in_bfloat16,
    space,
)
from torch.nn.functional import avg_pool2d, conv2d, interpolate

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.progressive import Progressive
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.latents import Prior
from ganvas.layers import folded
from ganvas.layers.growing import Level, enlarged, shrunk
from ganvas.layers.norm import pixel_norm
from ganvas.nets import dcgan, progressive
from ganvas.spaces.images.loading import digits
from ganvas.training import checkpoints, state
from ganvas.training.batches import Batches
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds

SMALL: dict[str, Any] = {"width": 8}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def players(where: Any) -> tuple[Any, Any]:
    return progressive.Generator(where, latent=6, **SMALL), progressive.Discriminator(where, **SMALL)


def test_at_1024_the_networks_are_those_of_table_2() -> None:
    with torch.device("meta"):
        G = progressive.Generator(space(3, 1024, 1024), latent=512, width=512)
        D = progressive.Discriminator(space(3, 1024, 1024), width=512)
    wide = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    both = sum(9 * a * b + b for a, b in itertools.pairwise(wide))  # the convolutions that change the channels
    same = [9 * c * c + c for c in wide]  # and those that do not
    pictures = sum(3 * c for c in wide)
    assert count(G) == 512 * 512 * 16 + 512 + sum(same) + both + pictures + 3 * 9 == 23_079_115
    down = sum(9 * a * b + a for a, b in itertools.pairwise(wide))
    head = 513 * 512 * 9 + 512 + 512 * 512 * 16 + 512 + 513
    assert count(D) == pictures + sum(wide) + sum(same[1:]) + down + head == 23_087_249


@pytest.mark.parametrize("labels", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_and_any_labels_at_any_level(shape: tuple[int, ...], labels: Labels | None) -> None:
    G, D = players(space(*shape, labels=labels))
    y = None if labels is None else labels.encode(labels.rows[:3])
    for level in (0.0, 0.5, 1.0, G.top):
        G.grow(level)
        D.grow(level)
        x = G(torch.randn(3, 6), y)
        assert x.shape == (3, *shape)
        assert D(Batch(x, y)).shape == (3,)
        assert D.features(Batch(x, y)).shape == (3, D.size)


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="net progressive makes pictures only; for vectors use --net mlp"):
        progressive.Generator(space(5))


def test_a_level_is_kept_in_whole_thousandths() -> None:
    level = Level(3)
    assert level.finest() == (3, 1.0)
    for told, found in ((0.0, (0, 1.0)), (1.0, (1, 1.0)), (1.25, (2, 0.25)), (2.9999, (3, 1.0)), (7.0, (3, 1.0))):
        level.grow(told)
        assert level.finest() == found
    assert not level.get_buffer("thousandths").is_floating_point()  # an average of networks copies it


def test_pictures_of_a_smaller_network_survive_full_size() -> None:
    small = torch.randn(2, 3, 6, 4)  # 45×31 halved three times
    assert enlarged(small, 3, (45, 31)).shape == (2, 3, 45, 31)
    torch.testing.assert_close(shrunk(enlarged(small, 3, (45, 31)), 3), small)


def test_at_a_level_both_players_know_that_resolution_alone() -> None:
    G, D = players(space(2, 45, 31))
    x = torch.randn(4, 2, 45, 31)
    for level, side in ((0, 8), (1, 4), (2, 2)):
        G.grow(level)
        D.grow(level)
        made = G(torch.randn(4, 6))
        assert torch.equal(made, enlarged(made[:, :, ::side, ::side], 3 - level, (45, 31)))
        torch.testing.assert_close(D(Batch(x)), D(Batch(enlarged(shrunk(x, 3 - level), 3 - level, (45, 31)))))
        assert not torch.allclose(D(Batch(x)), D(Batch(enlarged(shrunk(x, 4 - level), 4 - level, (45, 31)))))


def test_a_resolution_fades_in() -> None:
    G, D = players(space(1, 32, 32))
    z, x = torch.randn(3, 6), torch.randn(4, 1, 32, 32)

    def drawn(level: float) -> torch.Tensor:
        G.grow(level)
        return G(z)

    def judged(level: float) -> torch.Tensor:
        D.grow(level)
        return D(Batch(x))

    torch.testing.assert_close(drawn(1.25), 0.75 * drawn(1) + 0.25 * drawn(2))
    for level in (1.0, 2.0):
        near = (judged(level + 0.001) - judged(level)).abs().max(), (judged(level - 0.001) - judged(level)).abs().max()
        assert max(near) < 0.01 * (judged(level) - judged(level - 1)).abs().max()


def test_an_exported_generator_stays_at_its_level() -> None:
    begun, made = (progressive.Generator(space(1, 16, 16), latent=6, **SMALL).eval() for _ in range(2))
    begun.grow(0.5)
    made.load_state_dict(begun.state_dict())
    z = torch.randn(2, 6)
    sizes = {"z": {0: torch.export.Dim("n")}, "y": None}
    found = torch.export.export(made, (z, None), dynamic_shapes=sizes).module()
    z = torch.randn(5, 6)
    torch.testing.assert_close(found(z, None), begun(z))


def test_layers_that_are_not_used_yet_have_no_gradient() -> None:
    G, D = players(space(1, 16, 16))
    G.grow(0)
    D.grow(0)
    D(Batch(G(torch.randn(4, 6)))).sum().backward()
    assert all(p.grad is None for net in (G, D) for p in net.blocks.parameters())
    assert all(p.grad is not None for p in [*G.paint[0].parameters(), *D.read[0].parameters(), *D.last.parameters()])


def test_one_convolution_is_a_resampling_and_a_convolution() -> None:
    x, weight, bias = torch.randn(2, 3, 6, 4), torch.randn(5, 3, 3, 3), torch.randn(5)
    torch.testing.assert_close(
        folded.enlarge(x, weight, bias), conv2d(interpolate(x, scale_factor=2.0), weight, bias, padding=1)
    )
    torch.testing.assert_close(
        folded.shrink(x, weight, bias), avg_pool2d(conv2d(x, weight, bias, padding=1), 2), atol=1e-5, rtol=1e-5
    )


def test_pixels_are_normalised() -> None:
    x = 100 * torch.randn(2, 8, 3, 3)
    torch.testing.assert_close(pixel_norm(x).square().mean(1), torch.ones(2, 3, 3))
    torch.testing.assert_close(pixel_norm(x), pixel_norm(7 * x))


@pytest.mark.parametrize("labels", [None, ONE], ids=["none", "one"])
@pytest.mark.parametrize("level", [1.5, 2.0])
def test_players_keep_their_promises(labels: Labels | None, level: float) -> None:
    G, D = players(space(2, 9, 12, labels=labels))
    G.grow(level)
    D.grow(level)
    y = None if labels is None else labels.encode(labels.rows[:6])
    is_a_function_of_each_sample_alone(G, y)
    x, y = torch.randn(4, 2, 9, 12), None if y is None else y[:4]
    can_be_penalised(D, x, y)
    can_be_copied_called_and_saved(G, torch.randn(4, 6), y)
    can_be_copied_called_and_saved(D, Batch(x, y))
    runs_in_bfloat16(G, D, y)


def test_the_critic_sees_how_alike_its_samples_are() -> None:
    _, D = players(space(1, 8, 8))
    x = torch.randn(4, 1, 8, 8)
    assert not torch.allclose(D(Batch(x))[:1], D(Batch(x[:1].expand(4, -1, -1, -1)))[:1])


def game(**settings: Any) -> Progressive:
    """The game on the digits, 8×8: levels 0, 1 and 2."""
    where = digits().space
    torch.manual_seed(0)
    G, D = progressive.Generator(where, latent=6, **SMALL), progressive.Discriminator(where, **SMALL)
    return Progressive(G=Generator(G, Prior(6), where.head(), where.labels), D=D, **settings)


def test_networks_that_cannot_grow_are_refused() -> None:
    where = digits().space
    G, D = dcgan.Generator(where, latent=6, width=4), dcgan.Discriminator(where, width=4)
    with pytest.raises(InputError, match="game progressive needs networks that grow; use --net progressive"):
        Progressive(G=Generator(G, Prior(6)), D=D)
    with pytest.raises(InputError, match=r"--growing 1.5 must be between 0 and 1"):
        game(growing=1.5)


def test_each_resolution_fades_in_and_settles_for_equally_long() -> None:
    playing = game()
    playing.planned = 1000
    found = []
    for seen in (0, 125, 150, 175, 225, 250, 375, 400, 475, 500, 999, 1200):
        playing.seen = seen
        found.append(playing.level(2))
    assert found == pytest.approx([0, 0, 0.2, 0.4, 0.8, 1, 1, 1.2, 1.8, 2, 2, 2])
    for name, value in (("planned", 0), ("growing", 0.0)):  # no end, no growing: all at full size
        other = game()
        other.planned = 1000
        setattr(other, name, value)
        assert other.level(2) == 2


def loop(playing: Progressive, optimisers: Optimisers, ema: EMA, position: int = 0) -> Any:
    batches = Batches(digits(), 16, seed=3)
    batches.position = position
    return rounds(playing, batches, optimisers, ema)


def test_it_grows_as_planned_and_the_average_with_it() -> None:
    playing = game(growing=1.0)
    playing.planned = 16 * 12
    begun = {name: p.detach().clone() for name, p in playing.named_parameters()}
    ema = EMA(playing, 100)
    levels, moved = [], []
    for moves in itertools.islice(loop(playing, Optimisers(playing), ema), 12):
        levels.append(moves[0][1].notes["level"])
        moved.append({name for name, p in playing.named_parameters() if not torch.equal(p, begun[name])})
        held = ema.average["G"].net.level.finest()
        assert held == playing.G.net.level.finest() == playing.D.level.finest()
    assert levels == pytest.approx([0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1, 1, 1, 4 / 3, 5 / 3])
    assert not any("blocks" in name for name in moved[2])
    assert any("G.net.blocks.0" in name for name in moved[5])
    assert not any("blocks.1" in name for name in moved[9])
    assert moved[11] == set(begun)


def test_a_checkpoint_from_before_it_grew_is_restored_whole(tmp_path: Path) -> None:
    """Into the optimisers of a network that has grown since, as after a rollback: no moments are left over."""
    ends = []
    for back in (False, True):
        playing = game(growing=1.0)
        playing.planned = 16 * 12
        optimisers, ema = Optimisers(playing), EMA(playing, 100)
        for _ in itertools.islice(loop(playing, optimisers, ema), 3):
            pass
        saved = state.save(tmp_path / str(back), playing, optimisers, ema, 0.0)
        if back:
            for _ in itertools.islice(loop(playing, optimisers, ema, playing.seen), 5):
                pass
            state.restore(saved, playing, optimisers, ema)
        for _ in itertools.islice(loop(playing, optimisers, ema, playing.seen), 5):
            pass
        ends.append(playing.state_dict())
    assert not [name for name in ends[0] if not torch.equal(ends[0][name], ends[1][name])]


def everything(run: Path) -> dict[str, torch.Tensor]:
    newest = checkpoints.latest(run / "state")
    assert newest is not None
    files = [newest / "weights.safetensors", newest / "optimisers.safetensors", run / "generator/weights.safetensors"]
    return {f"{i}.{k}": v for i, f in enumerate(files) for k, v in safetensors.torch.load_file(f).items()}


def test_a_run_cut_while_it_grows_goes_on_bit_for_bit(tmp_path: Path) -> None:
    how: dict[str, Any] = {"game": "progressive", "net": "progressive", "latent": 6, "batch": 16, "quiet": True}
    how |= {"growing": 1.0, "rounds": 8, "checkpoint_every": 2, **SMALL}
    gan.train("digits", run=tmp_path / "whole", **how)
    gan.train("digits", run=tmp_path / "cut", **how)
    for newest in (tmp_path / "cut" / "state").glob("*8"):
        newest.rename(tmp_path / "gone")
    (tmp_path / "cut/state/best.json").unlink(missing_ok=True)
    gan.train(resume=tmp_path / "cut", quiet=True)
    ours, theirs = everything(tmp_path / "whole"), everything(tmp_path / "cut")
    assert ours.keys() == theirs.keys()
    assert not [name for name in ours if not torch.equal(ours[name], theirs[name])]
    logs = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in gan.Run(tmp_path / r).log]
        for r in ("whole", "cut")
    ]
    assert logs[0] == logs[1]
    assert [line["D.level"] for line in logs[0]] == pytest.approx([0, 0, 0, 0.5, 1, 1, 1, 1.5])


def test_other_games_play_it_at_full_size(tmp_path: Path) -> None:
    for name in ("r3gan", "wgan_gp"):
        how: dict[str, Any] = {"rounds": 2, "batch": 8, "latent": 6, "quiet": True, **SMALL}
        run = gan.train("digits", run=tmp_path / name, game=name, net="progressive", **how)
        made = torch.from_numpy(run.samples(range(2))[0]).float().permute(0, 3, 1, 2)
        assert not torch.equal(made, enlarged(shrunk(made, 1), 1, (8, 8)))
