"""A torch.export program: the same samples, no pickle, nothing of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import ganvas as gan
from exporting.making import untrained
from ganvas.errors import InputError
from ganvas.exporting import program as exporting
from ganvas.exporting.graph import examples, shipped
from ganvas.run import Run
from ganvas.spaces import toys
from ganvas.spaces.images import Images
from ganvas.spaces.tables import tables
from make import mixed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("made")
    run = untrained(folder / "run", "dcgan")
    found = exporting.program(run, folder / "made.pt2")
    assert found["max_difference"] <= exporting.NEAR
    assert found["bytes"] == (folder / "made.pt2").stat().st_size
    return run, folder / "made.pt2"


@pytest.mark.parametrize("net", ["mlp", "stylegan2", pytest.param("r3gan", marks=pytest.mark.slow)])
def test_nets_are_the_same_at_any_number(net: str, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", net)
    assert exporting.program(run, tmp_path / "made.pt2")["max_difference"] <= exporting.NEAR
    module, loaded = shipped(run.generator, run.space), torch.export.load(tmp_path / "made.pt2").module()
    for n in (1, 5):
        given = examples(module, n, seed=9)
        with torch.no_grad():
            for here, there in zip(module(*given), loaded(*given), strict=True):
                assert (here.double() - there.double()).abs().max() <= 1


@pytest.mark.parametrize("kind", ["points", "sixteen", "rows"])
def test_every_space(kind: str, tmp_path: Path) -> None:
    spaces = {"points": toys.ring().space, "sixteen": Images(8, 8, 1, bits=16), "rows": tables(mixed(60)).space}
    run = untrained(tmp_path / "run", "rows" if kind == "rows" else "mlp", spaces[kind])
    assert exporting.program(run, tmp_path / "made.pt2")["max_difference"] <= exporting.NEAR


def test_pictures_are_those_of_the_run(made: tuple[Run, Path]) -> None:
    run, file = made
    z, u = run.generator.prior.latents(3, range(5))
    labels = run.space.labels
    assert labels is not None
    given = torch.from_numpy(z), torch.full((5,), 8.0), labels.encode(labels.draw(u))
    pictures = torch.export.load(file).module()(*given)[1].numpy()
    assert np.abs(pictures.astype(int) - run.samples(range(5), 3)[0]).max() <= 1


def test_nothing_in_the_file_is_pickled_or_of_this_machine(made: tuple[Run, Path]) -> None:
    with zipfile.ZipFile(made[1]) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    pickled = [name for name, content in parts.items() if content[:2] in (b"PK", b"\x80\x02", b"\x80\x04")]
    assert not pickled
    assert next(content for name, content in parts.items() if "sample_inputs" in name) == b""
    weights = json.loads(next(v for k, v in parts.items() if k.endswith("model_weights_config.json")))
    assert not any(one["use_pickle"] for one in weights["config"].values())
    text = b"".join(parts.values())
    assert str(Path(gan.__file__).parent).encode() not in text
    assert b".py" not in text
    told = json.loads(next(v for k, v in parts.items() if k.endswith("extra/ganvas.json")))
    assert told["inputs"] == ["z", "truncation", "y"]
    assert told["outputs"] == ["x", "samples"]


def test_it_runs_without_ganvas(made: tuple[Run, Path]) -> None:
    code = f"""import sys, torch
sys.modules["ganvas"] = None
made = torch.export.load({str(made[1])!r}).module()
x, pictures = made(torch.randn(7, 12), torch.full((7,), 8.0), torch.eye(4)[:1].repeat(7, 1))
assert x.shape == (7, 3, 16, 16) and pictures.shape == (7, 16, 16, 3) and pictures.dtype == torch.uint8"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_differs_is_not_written(made: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "NEAR", -1.0)
    with pytest.raises(InputError, match="differs from the run"):
        exporting.program(made[0], tmp_path / "made.pt2")
    assert not list(tmp_path.iterdir())


def test_other_precisions_are_refused(made: tuple[Run, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--to torch knows no --precision float16"):
        exporting.program(made[0], tmp_path / "made.pt2", "float16")
