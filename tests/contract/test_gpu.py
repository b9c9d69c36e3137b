"""The same on a GPU. Marked gpu: these run where CUDA is, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ganvas as gan

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
TINY = {"width": 8, "latent": 8, "batch": 32, "quiet": True, "device": "cuda"}


@pytest.mark.parametrize("game", ["gan", "wgan", "wgan_gp", "r3gan"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_games_train_resume_and_sample_on_cuda(tmp_path: Path, game: str, precision: str) -> None:
    run = gan.train("digits", run=tmp_path / "run", game=game, rounds=4, precision=precision, **TINY)
    run = gan.train(resume=run.path, rounds=6, override=True, quiet=True)
    assert run.progress.t == 6
    assert run.info["machine"]["device"].startswith("cuda")
    assert len(run.generate(3, label=7)) == 3


def test_latents_and_batches_do_not_depend_on_the_device(tmp_path: Path) -> None:
    data = gan.digits()
    cpu, cuda = gan.Batches(data, 16, seed=2), gan.Batches(data, 16, seed=2, device="cuda")
    ours, theirs = next(cpu), next(cuda)
    assert torch.equal(ours.x, theirs.x.cpu())
    assert torch.equal(ours.normal(4), theirs.normal(4).cpu())
