"""Runs of tables: the same seed makes the same rows bit for bit, stopped and resumed or not; from files and streams."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas.spaces.tables import streaming
from ganvas.training import checkpoints

SMALL = {"batch": 32, "units": 8, "embed": 4, "hidden": 8, "quiet": True, "checkpoint_every": 3}
FLAGS = ["--batch", "32", "--units", "8", "--embed", "4", "--hidden", "8", "--quiet", "--checkpoint-every", "3"]


def frame(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(0)
    made = pd.DataFrame({"age": random.integers(18, 90, rows), "city": random.choice(["Rome", "Milan", None], rows)})
    made["income"] = np.round(np.exp(random.normal(7, 0.6, rows)), 2)
    return made.mask(random.random(made.shape) < 0.1)


def same(a: Path, b: Path) -> None:
    """Raise unless two runs are equal bit for bit: newest state, generator and rows."""
    for name in ("weights.safetensors", "optimisers.safetensors"):
        ours, theirs = (safetensors.torch.load_file(checkpoints.latest(run / "state") / name) for run in (a, b))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    rows = [gan.Run(run).samples(range(50), 1)[0] for run in (a, b)]
    assert np.array_equal(*rows, equal_nan=True)


@pytest.mark.parametrize("how", [{"warm": 1.0}, {"warm": 0.5}], ids=["likelihood", "refined"])
def test_a_resumed_run_equals_one_that_was_never_stopped(how: dict[str, float], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    frame().to_csv(path, index=False)
    gan.train(path, run=tmp_path / "whole", rounds=12, **SMALL | how)
    gan.train(path, run=tmp_path / "again", rounds=12, **SMALL | how)
    same(tmp_path / "whole", tmp_path / "again")

    def stop(t: int, game: gan.Game, line: object) -> None:
        if t == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.train(path, run=tmp_path / "cut", rounds=12, monitors=[stop], **SMALL | how)
    gan.train(resume=tmp_path / "cut", quiet=True)
    same(tmp_path / "whole", tmp_path / "cut")


def test_the_command_line_trains_resumes_and_makes_rows_of_a_file(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "columns.json").write_text(json.dumps({"age": "number", "city": "category"}))

    def ganvas(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "ganvas", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    told = ["--target", "income", "--metadata", "columns.json", "--constraints", "age > 0"]
    ganvas("train", "table.csv", *told, "--rounds", "4", "--run", "a", *FLAGS)
    assert "has ended already" in ganvas("train", "--resume", "a")
    ganvas("generate", "a", "--out", "a.csv", "-n", "30", "--where", "age > 40 and city = 'Rome'")
    made = pd.read_csv(tmp_path / "a.csv")
    assert (len(made), set(made["city"]), made["age"].min() > 40) == (30, {"Rome"}, True)
    assert gan.Run(tmp_path / "a").info["data"]["origin"]["target"] == "income"


def test_a_streamed_file_trains_resumes_and_gives_what_memory_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.parquet"
    frame(1000).to_parquet(path, row_group_size=130)
    gan.train(path, run=tmp_path / "memory", rounds=6, **SMALL)
    for name, value in (("LARGE_BYTES", 1000), ("BLOCK", 100)):
        monkeypatch.setattr(streaming, name, value)
    gan.train(path, run=tmp_path / "streamed", rounds=6, **SMALL)
    same(tmp_path / "memory", tmp_path / "streamed")
    (tmp_path / "cut").mkdir()

    def stop(t: int, game: gan.Game, line: object) -> None:
        if t == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.train(path, run=tmp_path / "cut", rounds=6, monitors=[stop], **SMALL)
    gan.train(resume=tmp_path / "cut", quiet=True)
    same(tmp_path / "streamed", tmp_path / "cut")
