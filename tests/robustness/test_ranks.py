"""torchrun: the same run as one process, one writer, and an end with a message when a rank dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas.training import checkpoints

TINY = ["--hidden", "16", "--latent", "8", "--batch", "32", "--quiet", "--checkpoint-every", "5"]


def torchrun(*arguments: str) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.Popen(
        [*launcher, "-m", "ganvas", "--", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def stored(run: Path) -> dict[str, torch.Tensor]:
    newest = checkpoints.latest(run / "state")
    assert newest is not None
    return safetensors.torch.load_file(newest / "weights.safetensors")


@pytest.mark.slow
def test_two_ranks_train_resume_and_equal_one_process(tmp_path: Path) -> None:
    job = torchrun("train", "ring", "--rounds", "10", "--run", str(tmp_path / "two"), *TINY)
    out, err = job.communicate(timeout=240)
    assert job.returncode == 0, err[-3000:]
    assert out.count("samples seen") == 1  # rank 0 alone speaks
    gan.train("ring", run=tmp_path / "one", rounds=10, hidden=16, latent=8, batch=32, checkpoint_every=5, quiet=True)
    one, two = stored(tmp_path / "one"), stored(tmp_path / "two")
    apart = {name: (value - two[name]).abs().max().item() for name, value in one.items()}
    assert max(apart.values()) < 1e-3, apart
    assert len(gan.Run(tmp_path / "two").log) == len(gan.Run(tmp_path / "one").log)

    job = torchrun("train", "--resume", str(tmp_path / "two"), "--rounds", "15", "--override", "--quiet")
    _, err = job.communicate(timeout=240)
    assert job.returncode == 0, err[-3000:]
    assert gan.Run(tmp_path / "two").progress.t == 15


@pytest.mark.slow
def test_a_dead_rank_ends_the_job_with_a_message(tmp_path: Path) -> None:
    job = torchrun("train", "ring", "--seen", "100_000_000", "--run", str(tmp_path / "run"), *TINY)
    deadline = time.monotonic() + 120
    while not [*(tmp_path / "run" / "state").glob("[0-9]*")]:
        assert time.monotonic() < deadline
        assert job.poll() is None, job.communicate()[1][-3000:]
        time.sleep(0.2)
    found = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True).stdout.split()
    ranks = [int(pid) for pid in found if "ganvas" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(ranks) == 2, found
    os.kill(ranks[1], signal.SIGKILL)
    _, err = job.communicate(timeout=120)
    assert job.returncode != 0
    assert "lost the other processes" in err or "SIGKILL" in err or "Signal 9" in err, err[-3000:]
    assert gan.Run(tmp_path / "run").progress.t > 0
