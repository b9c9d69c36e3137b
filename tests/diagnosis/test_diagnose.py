"""``ganvas diagnose`` on runs: what it says, that it changes nothing, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganvas as gan
from ganvas.diagnosis.probe import FLAT, open_session, sample_of, share_flat
from ganvas.errors import InputError
from ganvas.evaluation.origin import data_of
from ganvas.game import Adam, Move
from ganvas.record import recorded_couple
from ganvas.skins import cli
from ganvas.spaces.toys import ring

TINY: dict[str, Any] = {"hidden": 8, "latent": 8, "batch": 16, "quiet": True}


class Alone(gan.Game):
    """A generator without an adversary: it learns to make zeros."""

    G: gan.Generator

    def optimiser(self, player: str) -> Adam:
        return Adam(1e-3)

    def play(self, batches: Any) -> Any:
        yield Move(self.G, self.G.sample(like=next(batches)).x.square().mean())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gan.Run:
    place = tmp_path_factory.mktemp("runs") / "points"
    return gan.train(ring(count=1000), run=place, rounds=8, checkpoint_every=4, **TINY)


def files(place: Path) -> dict[str, bytes]:
    """Every file of a folder but diagnosis.json."""
    found = {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}
    return {name: content for name, content in found.items() if name != "diagnosis.json"}


def test_nothing_changes_but_diagnosis_json(run: gan.Run) -> None:
    before, random = files(run.path), torch.random.get_rng_state()
    found = gan.diagnose(run)
    assert files(run.path) == before
    assert json.loads((run.path / "diagnosis.json").read_text()) == found
    assert (found["run"], found["protocol"]) == (str(run.path), {"checkpoint": "000000008", "seen": 256})
    torch.random.set_rng_state(random)


def test_it_says_the_same_again_and_the_run_goes_on_as_if_nobody_had_looked(run: gan.Run, tmp_path: Path) -> None:
    watched, left = (Path(shutil.copytree(run.path, tmp_path / name)) for name in ("watched", "left"))
    first, again = gan.diagnose(watched), gan.diagnose(watched)
    assert first == again
    ends = [gan.train(resume=place, rounds=12, override=True, quiet=True) for place in (watched, left)]
    ours, theirs = (end.generator.state_dict() for end in ends)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_session_is_that_of_the_newest_checkpoint(run: gan.Run) -> None:
    data = data_of(run)
    assert data is not None
    session, untrained = open_session(run, data, recorded_couple(run))
    assert (session.game.t, session.game.seen, session.batches.position) == (8, 256, 256)
    made, before = session.generator.draw(range(64))[0], untrained[:64]
    assert torch.equal(made, run.generator.draw(range(64))[0])
    assert not torch.equal(made, before)


def test_a_young_run_is_to_train_on(run: gan.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diagnose", str(run.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["action"]) == ("healthy", "train_on")
    assert found["summary"].startswith("Healthy: ")
    assert found["figures"]["far"] == pytest.approx(1, abs=0.3)  # it is as good as untrained
    assert set(found["figures"]) >= {"auc", "auc_train", "turn_G", "turn_D", "response", "dead", "stride", "diversity"}


def test_a_game_without_a_discriminator_is_diagnosed_too(tmp_path: Path) -> None:
    run = gan.train(ring(count=500), run=tmp_path / "run", game=Alone, rounds=60, checkpoint_every=10, **TINY)
    found = gan.diagnose(run.path, trust=__file__)
    assert not {"auc", "auc_train", "turn_D"} & set(found["figures"])
    assert found["figures"]["turn_G"] > 0.2  # straight to zero
    with pytest.raises(InputError, match=r"--trust test_diagnose\.py"):
        gan.diagnose(run.path)


def test_a_run_that_stopped_for_divergence_says_so(run: gan.Run, tmp_path: Path) -> None:
    copy = gan.Run(shutil.copytree(run.path, tmp_path / "copy"))
    copy.update(divergence={"t": 8, "seen": 256, "reason": "D exploded"})
    found = gan.diagnose(copy)
    assert (found["verdict"], found["action"]) == ("divergence", "change")
    assert "--on-divergence rollback" in found["summary"]


def test_what_cannot_be_diagnosed_is_a_line(run: gan.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved, bare = (gan.Run(shutil.copytree(run.path, tmp_path / name)) for name in ("moved", "bare"))
    moved.update(data=run.info["data"] | {"fingerprint": "0"})
    shutil.rmtree(bare.path / "state")
    cases = [("nowhere", "no run folder"), (moved.path, "give it with --data"), (bare.path, "no checkpoint yet")]
    for place, message in cases:
        assert cli.main(["diagnose", str(place)]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1


def test_data_that_moved_is_given_again(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=pictures)
    run = gan.train(tmp_path / "a.npz", run=tmp_path / "run", net="mlp", rounds=2, holdout=0.4, **TINY)
    shutil.move(tmp_path / "a.npz", tmp_path / "b.npz")
    with pytest.raises(InputError, match="--data"):
        gan.diagnose(run, extractor="values")
    assert gan.diagnose(run, data=tmp_path / "b.npz", extractor="values")["findings"]


def test_without_held_out_data_it_compares_with_training_data(tmp_path: Path) -> None:
    run = gan.train(ring(count=300, holdout=0.0), run=tmp_path / "run", rounds=3, **TINY)
    figures = gan.diagnose(run)["figures"]
    assert figures["rows"] == 300
    assert "copies" not in figures


# --- Figures -------------------------------------------------------------------------------------------------------


def test_flat_values_are_those_at_the_ends_of_tanh() -> None:
    assert share_flat(nn.Tanh()(torch.tensor([0.0, 1.0, 9.0, -9.0]))) == 0.5
    assert share_flat(torch.tensor([FLAT, -1.0])) == 0.5


def test_few_rows_are_taken_again_when_more_are_asked_for() -> None:
    rows = ring(count=20, holdout=0.5).train
    raw, labels = sample_of(rows, 25)
    assert (len(raw), labels) == (25, None)
    assert {tuple(row) for row in raw} == {tuple(row) for row in rows.raw[rows.index]}
    assert len(sample_of(rows)[0]) == 10
