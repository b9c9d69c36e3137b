"""A run killed at any instant goes on as if nothing had happened: tensors are compared bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas.training import checkpoints

SMALL = {"width": 4, "latent": 8, "batch": 16, "quiet": True}


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """Everything the newest checkpoint and the generator hold."""
    newest = checkpoints.latest(run / "state")
    assert newest is not None
    files = [newest / "weights.safetensors", newest / "optimisers.safetensors", run / "generator/weights.safetensors"]
    return {
        f"{f.stem}.{f.parent.name == 'generator'}.{k}": v
        for f in files
        for k, v in safetensors.torch.load_file(f).items()
    }


def same(a: Path, b: Path) -> None:
    """Raise unless two runs are equal bit for bit: tensors, log (time apart) and sample grids."""
    ours, theirs = tensors(a), tensors(b)
    assert ours.keys() == theirs.keys()
    assert not [name for name in ours if not torch.equal(ours[name], theirs[name])]
    logs = [[{k: v for k, v in line.items() if k != "seconds"} for line in gan.Run(run).log] for run in (a, b)]
    assert logs[0] == logs[1]
    grids = [{p.name: p.read_bytes() for p in (run / "samples").glob("*.png")} for run in (a, b)]
    assert grids[0] == grids[1]


KILLER = """
    import os, random, signal, sys, time
    import torch
    torch.set_num_threads(1)
    import ganvas as gan
    from ganvas.verbs.train import train
    import ganvas.spaces.images, ganvas.files
    run, kills = sys.argv[1], int(sys.argv[2])
    how = dict(rounds=60, checkpoint_every=2, width=4, latent=8, batch=16, quiet=True, threads=1)
    random.seed(7)
    killed = writing = 0
    begun = 0.0
    while True:
        child = os.fork()
        if child == 0:
            if killed % 2:  # every other child says when it is inside the writing of a checkpoint, and waits there
                whole = ganvas.files._flush
                def slow(path, data, whole=whole):
                    if "state" in str(path) and random.Random(os.getpid()).random() < 0.5:
                        with open(path, "wb") as file:
                            file.write(data[: len(data) // 2])
                            file.flush()
                            time.sleep(0.05)
                    whole(path, data)
                ganvas.files._flush = slow
            try:
                if os.path.exists(os.path.join(run, "run.json")):
                    train(resume=run, quiet=True)
                else:
                    train("digits", run=run, **how)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if killed >= kills:
            assert os.waitpid(child, 0)[1] == 0
            break
        time.sleep(random.uniform(0.02, 1.0))
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            print("ended too early: status", status)
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
    print("kills", killed)
"""


@pytest.mark.slow
def test_sigkill_at_random_instants(tmp_path: Path) -> None:
    """Twelve kills, half of them of a process that dawdles inside the writing of its checkpoints."""
    script = tmp_path / "killer.py"
    script.write_text(textwrap.dedent(KILLER))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "broken"), "12"], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "kills 12" in done.stdout, done.stdout + done.stderr[-2000:]
    gan.train("digits", run=tmp_path / "whole", rounds=60, checkpoint_every=2, threads=1, **SMALL)
    same(tmp_path / "whole", tmp_path / "broken")
    assert not [*(tmp_path / "broken" / "state").glob(".*")]
    best = [json.loads((tmp_path / run / "state" / "best.json").read_text()) for run in ("whole", "broken")]
    assert best[0] == best[1]


def stop_at(monkeypatch: pytest.MonkeyPatch, t: int, act: Callable[[], None]) -> None:
    """Do something in round ``t``."""
    from ganvas import session

    gather = session.gather
    rounds = 0

    def spy(sums: Any, moves: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == t:
            act()
        gather(sums, moves)

    monkeypatch.setattr(session, "gather", spy)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_writes_a_checkpoint_and_resume_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    how = {**SMALL, "rounds": 9, "checkpoint_every": 3, "holdout": 0.2}
    gan.train("digits", run=tmp_path / "whole", **how)
    with monkeypatch.context() as patch:
        stop_at(patch, 4, lambda: os.kill(os.getpid(), number))
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            gan.train("digits", run=tmp_path / "broken", **how)
    run = gan.Run(tmp_path / "broken")
    assert run.progress.t == 4
    assert signal.getsignal(number) not in (None, signal.SIG_IGN)
    gan.train(resume=run.path, quiet=True)
    ours, theirs = tensors(tmp_path / "whole"), tensors(tmp_path / "broken")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_killed_before_the_first_checkpoint_it_starts_from_round_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {**SMALL, "rounds": 4, "checkpoint_every": 4}
    gan.train("digits", run=tmp_path / "whole", **how)

    def die() -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        stop_at(patch, 3, die)
        with pytest.raises(RuntimeError, match="power cut"):
            gan.train("digits", run=tmp_path / "broken", **how)
    assert gan.Run(tmp_path / "broken").progress.t == 0
    gan.train(resume=tmp_path / "broken", quiet=True)
    same(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize("game", ["gan", "wgan", "wgan_gp", "r3gan"])
@pytest.mark.parametrize("data", ["digits", "ring"])
def test_resume_is_exact_for_every_game(tmp_path: Path, game: str, data: str) -> None:
    how: dict[str, Any] = {"batch": 16, "latent": 8, "checkpoint_every": 2, "quiet": True, "game": game, "seed": 5}
    how |= {"width": 4} if data == "digits" else {"hidden": 8}
    gan.train(data, run=tmp_path / "whole", rounds=4, **how)
    gan.train(data, run=tmp_path / "half", rounds=4, **how)
    for newest in (tmp_path / "half" / "state").glob("*4"):
        newest.rename(tmp_path / "gone")
    best = tmp_path / "half/state/best.json"
    best.unlink(missing_ok=True)
    assert gan.Run(tmp_path / "half").progress.t == 2
    gan.train(resume=tmp_path / "half", quiet=True)
    same(tmp_path / "whole", tmp_path / "half")


def test_minutes_are_planned_once_and_the_rest_is_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.perf_counter()
    with monkeypatch.context() as patch:
        stop_at(patch, 60, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            gan.train("digits", run=tmp_path / "run", minutes=0.1, **SMALL)
    run = gan.Run(tmp_path / "run")
    plan, spent = run.info["plan"], run.progress.seconds
    assert plan["planned"] > 0
    assert spent < 6
    run = gan.train(resume=run.path, quiet=True)
    assert run.info["plan"] == plan
    assert 6 <= run.progress.seconds < 8
    assert time.perf_counter() - begun > 6 - 1


def test_the_same_seed_is_the_same_run_and_another_is_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        gan.train("digits", run=tmp_path / name, rounds=3, seed=seed, **SMALL)
    same(tmp_path / "a", tmp_path / "b")
    ours, theirs = tensors(tmp_path / "a"), tensors(tmp_path / "c")
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_other_settings_are_shown_and_refused_unless_told(tmp_path: Path) -> None:
    gan.train("digits", run=tmp_path / "run", rounds=3, **SMALL)
    with pytest.raises(gan.InputError, match=r"lr: None -> 0.1.*--override|lr: 0.\d+ -> 0.1.*--override"):
        gan.train(resume=tmp_path / "run", lr=0.1, quiet=True)
    with pytest.raises(gan.InputError, match="cannot change"):
        gan.train(resume=tmp_path / "run", game="wgan", override=True, quiet=True)
    run = gan.train(resume=tmp_path / "run", rounds=5, override=True, quiet=True)
    assert run.progress.t == 5
    assert run.info["changes"] == [{"t": 3, "what": ["rounds: 3 -> 5"]}]
    assert run.info["settings"]["run"]["rounds"] == 5


def test_other_data_is_refused(tmp_path: Path) -> None:
    gan.train("digits", run=tmp_path / "run", rounds=2, **SMALL)
    run = gan.Run(tmp_path / "run")
    run.update(data=run.info["data"] | {"fingerprint": "0"})
    with pytest.raises(gan.InputError, match="not what the run began with"):
        gan.train(resume=run.path, quiet=True)


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    gan.train("digits", run=tmp_path / "run", rounds=2, **SMALL)
    with pytest.raises(gan.InputError, match=f"--resume {tmp_path / 'run'}"):
        gan.train("digits", run=tmp_path / "run", rounds=2, **SMALL)


def test_another_machine_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gan.train("digits", run=tmp_path / "run", rounds=2, **SMALL)
    run = gan.Run(tmp_path / "run")
    run.update(machine=run.info["machine"] | {"instructions": "ABACUS"})
    gan.train(resume=run.path, quiet=True)
    assert "instructions: ABACUS ->" in capsys.readouterr().err


@pytest.mark.parametrize("number", [27, 28, 30])  # EFBIG, ENOSPC, EROFS
def test_a_full_disk_is_a_clear_error_and_older_checkpoints_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    import ganvas.files

    flush = ganvas.files._flush

    def full(path: Path, data: bytes) -> None:
        if "000000004" in str(path):
            flush(path, data[:10])
            raise OSError(number, os.strerror(number), str(path))
        flush(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(ganvas.files, "_flush", full)
        with pytest.raises(gan.InputError, match=r"cannot write .*(full|limit|read-only)"):
            gan.train("digits", run=tmp_path / "run", rounds=6, checkpoint_every=2, **SMALL)
    run = gan.Run(tmp_path / "run")
    assert run.progress.t == 2
    assert not [p for p in (run.path / "state").iterdir() if p.name.startswith(".")]
    assert len(run.generate(2)) == 2
    gan.train(resume=run.path, quiet=True)
    gan.train("digits", run=tmp_path / "whole", rounds=6, checkpoint_every=2, **SMALL)
    same(tmp_path / "whole", run.path)


def test_nan_stops_the_run_and_is_never_checkpointed(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="not finite"):
        gan.train("digits", run=tmp_path / "run", game="gan", loss="wasserstein", rounds=400, lr=1e30, **SMALL)
    newest = checkpoints.latest(tmp_path / "run" / "state")
    if newest is not None:
        stored = safetensors.torch.load_file(newest / "weights.safetensors")
        assert all(v.isfinite().all() for v in stored.values() if v.is_floating_point())


def test_a_log_line_cut_by_a_kill_is_left_out(tmp_path: Path) -> None:
    run = gan.train("digits", run=tmp_path / "run", rounds=3, **SMALL)
    whole = run.log
    with open(run.path / "log.jsonl", "a") as file:
        file.write('{"t": 4, "se')
    assert run.log == whole
    assert json.loads(json.dumps(whole)) == whole


def test_the_trained_generator_comes_from_the_average(tmp_path: Path) -> None:
    run = gan.train("digits", run=tmp_path / "run", rounds=5, **SMALL)
    stored = tensors(run.path)
    for name, value in run.generator.state_dict().items():
        assert torch.equal(value, stored[f"weights.False.ema.G.{name}"])
