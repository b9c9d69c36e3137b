"""Games that break down: stopped with their last checkpoint, or rolled back and played on in another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas import session
from ganvas.errors import DivergedError, InputError
from ganvas.evaluation.judge import Judge
from ganvas.game import Adam, Batch, Move
from ganvas.games.gan import GAN
from ganvas.games.r3gan import R3GAN
from ganvas.skins import cli
from ganvas.spaces.toys import ring
from ganvas.training import checkpoints
from ganvas.training.optim import Optimisers
from ganvas.training.rollback import ROLLBACKS, other_way
from ganvas.training.settings import Settings

HOW: dict[str, Any] = {"hidden": 16, "latent": 4, "batch": 32, "rounds": 40, "checkpoint_every": 5, "quiet": True}
BREAKING = HOW | {"lr": 2e-3}  # times 300, it is too large for any game


class Broken(R3GAN):
    """R3GAN whose learning rate becomes 300 times larger after 30 % of the run."""

    def optimiser(self, player: str) -> Adam:
        now = super().optimiser(player)
        late = self.planned and self.seen > 0.3 * self.planned
        return replace(now, lr=300 * now.lr) if late else now


class Poisoned(GAN):
    """The loss is NaN in one round, with the run's own random numbers alone."""

    at: int = 12
    always: bool = False

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        for move in super().play(batches):
            draws = next(batches).draws
            assert draws is not None
            bad = self.t == self.at and (self.always or draws.seed == 0)
            yield Move(move.player, move.loss * float("nan") if bad else move.loss, move.notes)


class Late(GAN):
    """The generator learns for 20 rounds, and stands still afterwards."""

    def optimiser(self, player: str) -> Adam:
        return Adam(1e-30 if self.t >= 20 else 2e-3, (0.5, 0.999))


def train(place: Path, game: type[gan.Game], **changes: Any) -> gan.Run:
    how = BREAKING if game is Broken else HOW
    return gan.train(ring(count=2000), run=place, game=game, **how | changes)


def weights(place: Path) -> dict[str, torch.Tensor]:
    """The newest checkpoint's, and the published generator's."""
    newest = checkpoints.latest(place / "state")
    assert newest is not None
    published = safetensors.torch.load_file(place / "generator/weights.safetensors")
    return safetensors.torch.load_file(newest / "weights.safetensors") | {f"G.{k}": v for k, v in published.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> gan.Run:
    """A run that broke down and was rolled back."""
    return train(tmp_path_factory.mktemp("runs") / "whole", Broken, on_divergence="rollback")


def sound(run: gan.Run) -> None:
    """Raise unless weights are finite, the log ascends, and what is published is a checkpoint that is still there."""
    assert all(v.isfinite().all() for v in weights(run.path).values() if v.is_floating_point())
    for lines in (run.log, run.scores):
        rounds = [line["t"] for line in lines]
        assert rounds == sorted(set(rounds))
    assert (run.path / "state" / gan.Run(run.path).config["checkpoint"]).is_dir()


# --- Stop ----------------------------------------------------------------------------------------------------------


def test_a_breakdown_stops_the_run_and_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in BREAKING.items() if name != "quiet"]
    place = tmp_path / "run"
    assert cli.main(["train", "ring", f"--game={__file__}:Broken", f"--run={place}", "--quiet", *flags]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"--resume {place} --on-divergence rollback --override" in said
    run = gan.Run(place)
    told = run.info["divergence"]
    assert told["t"] > 12 >= told["back_to"] > 0
    assert told["reason"] in said
    assert run.progress.t == told["back_to"]
    assert "ended" not in run.info
    sound(run)
    again = ["--resume", str(place), "--trust", __file__, "--on-divergence", "rollback", "--override", "--quiet"]
    assert cli.main(["train", *again]) == 0, capsys.readouterr().err
    assert gan.Run(place).progress.t == 40


def test_nan_stops_with_what_was_saved_before(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"not finite.*round 10 is kept.*--on-divergence rollback"):
        train(tmp_path / "run", Poisoned)
    run = gan.Run(tmp_path / "run")
    assert run.info["divergence"]["back_to"] == run.progress.t == 10
    sound(run)


def test_without_a_checkpoint_it_says_to_begin_again(tmp_path: Path) -> None:
    for how in ("stop", "rollback"):
        with pytest.raises(DivergedError, match="no checkpoint yet; begin again with a smaller --lr"):
            train(tmp_path / how, Poisoned, at=2, on_divergence=how)
        assert "back_to" not in gan.Run(tmp_path / how).info["divergence"]


# --- Roll back -----------------------------------------------------------------------------------------------------


def test_a_run_that_rolls_back_ends_well(whole: gan.Run) -> None:
    run, told = whole, whole.info["rollbacks"]
    assert 1 <= len(told) <= ROLLBACKS
    assert "divergence" not in run.info
    assert run.info["ended"]
    assert run.progress.t == 40
    sound(run)
    for entry in told:
        assert entry["back_to"] < entry["t"]
        assert entry["reason"]
    assert len({entry["seed"] for entry in told} | {0}) == len(told) + 1


def test_the_published_generator_is_the_best_one_and_no_worse_than_before_the_breakdown(whole: gan.Run) -> None:
    run, first = whole, whole.info["rollbacks"][0]["t"]
    marked = json.loads((run.path / "state/best.json").read_text())
    before = [line["score"] for line in run.scores if 0 < line["t"] <= 12 < first]
    assert marked["score"] <= min(before)
    assert run.config["checkpoint"] == marked["checkpoint"]
    assert Judge(ring(count=2000), "sliced_wasserstein")(run.generator) == pytest.approx(marked["score"], rel=1e-4)


def test_a_poisoned_batch_is_passed_by_with_other_random_numbers(tmp_path: Path) -> None:
    run = train(tmp_path / "run", Poisoned, on_divergence="rollback", gentler=False)
    (told,) = run.info["rollbacks"]
    assert (told["t"], told["back_to"], told["gentler"]) == (13, 10, 1.0)
    assert told["seed"] not in (0, 1)
    assert "not finite" in told["reason"]
    assert run.progress.t == 40
    sound(run)
    whole = train(tmp_path / "whole", Poisoned, at=-1)
    assert [line["D"] for line in whole.log[:5]] == [line["D"] for line in run.log[:5]]  # nothing before is touched
    assert [line["D"] for line in whole.log[5:20]] != [line["D"] for line in run.log[5:20]]


@pytest.mark.parametrize(("gentler", "factors"), [(True, [0.5**n for n in range(1, 9)]), (False, [1.0] * 8)])
def test_after_eight_rollbacks_the_run_stops(tmp_path: Path, gentler: bool, factors: list[float]) -> None:
    with pytest.raises(DivergedError, match=r"not finite.*round 10 is kept.*a smaller --lr"):
        train(tmp_path / "run", Poisoned, always=True, on_divergence="rollback", gentler=gentler)
    run = gan.Run(tmp_path / "run")
    assert [entry["gentler"] for entry in run.info["rollbacks"]] == factors
    assert run.info["divergence"]["back_to"] == run.progress.t == 10
    sound(run)


@pytest.mark.parametrize(("game", "killed_in"), [(Broken, 18), (Broken, 42), (Poisoned, 35)])
def test_a_run_killed_after_a_rollback_resumes_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, game: type[gan.Game], killed_in: int
) -> None:
    whole = train(tmp_path / "whole", game, on_divergence="rollback")
    gather, rounds = session.gather, 0

    def killed(sums: Any, moves: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == killed_in:
            raise RuntimeError("power cut")
        gather(sums, moves)

    with monkeypatch.context() as patch:
        patch.setattr(session, "gather", killed)
        with pytest.raises(RuntimeError, match="power cut"):
            train(tmp_path / "broken", game, on_divergence="rollback")
    done = gan.Run(tmp_path / "broken").info["rollbacks"]
    assert done == whole.info["rollbacks"][: len(done)] != []
    broken = gan.train(resume=tmp_path / "broken", quiet=True, trust=__file__)
    assert broken.info["rollbacks"] == whole.info["rollbacks"]
    ours, theirs = weights(whole.path), weights(broken.path)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    logs = [[{k: v for k, v in line.items() if k != "seconds"} for line in run.log] for run in (whole, broken)]
    assert logs[0] == logs[1]
    assert whole.scores == broken.scores


def test_each_breakdown_from_the_same_round_halves_the_steps_once_more() -> None:
    settings, before = Settings(seed=3), list[dict[str, Any]]()
    for back_to, factor in ((10, 0.5), (10, 0.25), (10, 0.125), (20, 0.5), (10, 0.0625)):
        told = other_way(before, back_to, settings)
        assert told["gentler"] == factor
        before.append(told | {"back_to": back_to})
    assert len({entry["seed"] for entry in before} | {3}) == 6
    assert all(0 <= entry["seed"] < 2**63 for entry in before)
    assert 0 <= other_way([], 0, Settings(seed=2**63 - 1))["seed"] < 2**63


def test_gentler_is_a_factor_on_all_learning_rates_that_stays() -> None:
    from make import game_on

    game = game_on(ring(count=20), GAN)
    optimisers = Optimisers(game, lr=0.1)
    for expected in (0.05, 0.025):
        optimisers.gentler(0.5)
        optimisers.tune(game)
        assert [of.param_groups[0]["lr"] for of in optimisers.of.values()] == [pytest.approx(expected)] * 2


def test_going_back_chooses_the_newest_good_checkpoint_before_the_breakdown(tmp_path: Path) -> None:
    for t in (5, 10, 15, 20):
        (tmp_path / f"{t:09d}").mkdir()
    scores = [{"t": t, "score": s} for t, s in ((0, 9.0), (5, 1.0), (10, 1.4), (15, 1.6), (20, 0.9))]
    found = [checkpoints.healthy(tmp_path, scores, onset) for onset in (20, 19, 9, 3)]
    assert [f and int(f.name) for f in found] == [20, 5, 5, 5]  # 1.4 > 1.5 × 0.9
    found = [checkpoints.healthy(tmp_path, [], onset) for onset in (17, 0)]
    assert [f and int(f.name) for f in found] == [15, 5]
    assert checkpoints.healthy(tmp_path / "none", scores, 20) is None


# --- Stop early ----------------------------------------------------------------------------------------------------


def test_stop_on_ends_early_and_publishes_the_best_checkpoint(tmp_path: Path) -> None:
    run = train(tmp_path / "run", Late, stop_on="sliced_wasserstein", patience=3, ema=0.0, rounds=400)
    best = min(run.scores[1:], key=lambda line: line["score"])
    assert best["t"] <= 20
    assert run.progress.t == best["t"] + 3 * 5
    assert run.config["checkpoint"] == f"{best['t']:09d}"
    assert run.info["ended"]


def test_without_stop_on_the_newest_checkpoint_is_published(tmp_path: Path) -> None:
    run = train(tmp_path / "run", Late, ema=0.0)
    assert run.config["checkpoint"] == "000000040"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"stop_on": "fid", "holdout": 0.0}, "--stop-on fid needs held-out samples"),
        ({"stop_on": "fdi"}, "no metric 'fdi' to train by; did you mean 'fid'"),
        ({"metric": "kdi"}, "did you mean 'kid'"),
        ({"metric": "kid", "stop_on": "fid"}, "give --stop-on alone"),
        ({"stop_on": "fid", "patience": 0}, "--patience 0 must be more than 0"),
    ],
)
def test_what_cannot_be_stopped_on_is_refused(tmp_path: Path, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gan.train("ring", run=tmp_path / "run", **HOW | flags)
    assert not (tmp_path / "run").exists()
