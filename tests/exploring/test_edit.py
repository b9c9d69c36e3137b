"""Edits: the latents stay when the label changes, and a direction moves what it should."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import making
import numpy as np
import pytest
import torch
from PIL import Image

from ganvas.errors import InputError
from ganvas.exploring import keeping, perceptual
from ganvas.exploring.edit import STEPS, edit, placed, told_otherwise
from ganvas.exploring.invert import invert
from ganvas.exploring.latent import codes
from ganvas.exploring.perceptual import Eye
from ganvas.labels import Labels
from ganvas.nets import stylegan2
from ganvas.run import Run
from ganvas.spaces.images.space import Images

KINDS = Labels.of(["kind"], [["a", "b", "c"]], np.array([[0], [1], [1], [2]]))


@pytest.fixture(autouse=True)
def _pyramid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights of LPIPS, which may not be installed."""
    monkeypatch.setattr(perceptual, "WEIGHTS", "no_such_package")


def kept(run: Run, folder: Path) -> keeping.Kept:
    """Exact codes of samples 0 to 2, as a file and as they are."""
    raw, labels = run.samples(range(3))
    found = keeping.Kept(codes(run, range(3)), ["x", "y", "z"], raw, labels)
    (folder / "k.npz").write_bytes(found.packed())
    return found


class Bright:
    """Reads how bright pictures are."""

    attribute, accuracy = "bright=1", float("nan")

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        return raw.reshape(len(raw), -1).mean(1) / 255


def test_a_label_changes_the_condition_alone(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=KINDS)
    step = told_otherwise(run, Eye(run.space), found := kept(run, tmp_path), "c")
    assert torch.equal(found.codes + step, codes(run, range(3), label="c"))
    told = edit(run, codes=str(tmp_path / "k.npz"), label="c", out=tmp_path / "p.png")
    assert [line["picture"] for line in told["pictures"]] == ["x", "y", "z"]
    assert "reader" not in told  # the data is not there
    changed = [line["changed"] for line in told["pictures"]]
    assert [label == "c" for label in KINDS.names(found.labels)] == [value == 0 for value in changed]  # type: ignore[arg-type]
    with Image.open(tmp_path / "p.png") as page:
        assert page.width > (STEPS + 2) * 64


def test_with_styles_the_mean_style_changes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    space, arguments = Images(16, 16, 1, labels=KINDS), {"latent": 8, "width": 4, "most": 8, "mapping": 2}
    run = making.run_of(tmp_path / "run", stylegan2.Generator(space, **arguments), space, arguments)
    invert(run, pictures="seeds:0-2", steps=1, keep=tmp_path / "k.npz", out=tmp_path / "p.png")
    found = keeping.load(run, tmp_path / "k.npz", "--codes")
    step = told_otherwise(run, Eye(run.space), found, "c")
    many = 4000
    means = {kind: codes(run, range(many), 5, kind).mean(0) for kind in ("a", "b", "c")}
    assert found.labels is not None
    for row, kind in zip(step, KINDS.names(found.labels), strict=True):
        wanted = means["c"] - means[kind]
        assert (row - wanted).norm() < 0.2 * max(wanted.norm(), 0.2)
    assert placed(run, step, [1])[:, 1].equal(step)
    assert not placed(run, step, [1])[:, 0].any()
    told = edit(run, codes=str(tmp_path / "k.npz"), label="c", layers="coarse", out=tmp_path / "p.png")
    assert told["changed"] > 0


def test_a_direction_moves_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = making.dense(tmp_path / "run", layers=0)
    net = run.generator.net
    towards = net.body[0].weight.mean(0)  # type: ignore[index, union-attr]  # brighter, of a linear generator
    found = SimpleNamespace(direction=towards / towards.norm(), reader=Bright())
    monkeypatch.setattr(importlib.import_module("ganvas.exploring.edit"), "probe", lambda run, by: found)
    up = edit(run, pictures="seeds:0-2", by="bright=1", strength=2, out=tmp_path / "p.png")
    assert up["rises"] == 1
    assert up["after"] > up["before"] + 0.02
    assert up["reader_accuracy"] is None
    kept(run, tmp_path)
    down = edit(run, codes=f"{tmp_path / 'k.npz'}:1", by="bright=1", strength=-2, out=tmp_path / "p.png")
    assert down["rises"] == 0
    assert down["pictures"][0]["after"] < down["pictures"][0]["before"]
    assert down["pictures"][0]["changed"] > 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "one of each"),
        ({"codes": "k.npz", "pictures": "seeds:0", "label": "a"}, "one of each"),
        ({"codes": "k.npz", "label": "a", "by": "kind=a"}, "one of each"),
        ({"codes": "k.npz", "label": "q"}, "no label 'q'"),
        ({"codes": "none.npz", "label": "a"}, "no such .npz"),
        ({"codes": "k.npz", "by": "kind=a", "strength": 0.0}, "--strength"),
        ({"codes": "k.npz", "by": "kind=a", "strength": float("nan")}, "--strength"),
        ({"codes": "k.npz", "by": "kind=a"}, "data"),
        ({"codes": "k.npz", "label": "a", "layers": "0"}, "styles"),
        ({"pictures": "nowhere.png", "label": "a"}, "no such file"),
    ],
)
def test_impossible_options_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], told: str
) -> None:
    run = making.dense(tmp_path / "run", labels=KINDS)
    kept(run, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=told):
        edit(run, **options)  # type: ignore[arg-type]
