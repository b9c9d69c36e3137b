"""The hold-out, mirrored rows, the built-in digits, and what a data set says of itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from image_files import folder_of

from ganvas import names
from ganvas.errors import InputError
from ganvas.spaces.images import digits, images
from ganvas.spaces.images.columns import columns


def test_the_hold_out_is_seeded_and_disjoint(tmp_path: Path) -> None:
    folder_of(tmp_path, [f"{i:02}.png" for i in range(40)])
    a, b, c = (images(tmp_path, holdout=0.25, seed=seed) for seed in (1, 1, 2))
    assert a.held_out.index.tolist() == b.held_out.index.tolist() != c.held_out.index.tolist()
    assert len(a.held_out) == 10
    assert sorted([*a.train.index, *a.held_out.index]) == list(range(40))


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan")])
def test_shares_out_of_range(tmp_path: Path, share: float) -> None:
    with pytest.raises(InputError, match="is no share"):
        images(tmp_path, holdout=share)
    with pytest.raises(InputError, match="is no share"):
        digits(holdout=share)


def test_something_must_be_left_to_train_on(tmp_path: Path) -> None:
    folder_of(tmp_path, ["1.png", "2.png"])
    with pytest.raises(InputError, match="no picture is left to train on"):
        images(tmp_path, holdout=0.9)


def test_flip_mirrors_the_training_rows_only(tmp_path: Path) -> None:
    folder_of(tmp_path, [f"{i:02}.png" for i in range(10)])
    data = images(tmp_path, flip=True)
    assert (len(data.train), len(data.held_out)) == (18, 1)
    raw, _ = data.train.read(np.array([0, 9]))
    assert (raw[0] == raw[1][:, ::-1]).all()
    assert not data.held_out.mirror
    assert "mirrored" in data.report["summary"]


def test_report_and_origin_are_json_and_load_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "s", [f"{kind}/{i}.png" for kind in "ab" for i in range(8)], size=(9, 9))
    monkeypatch.chdir(tmp_path)
    data = images("s", size=(6, 7), flip=True, holdout=0.25, seed=3, labels=("class",), crop="pad")
    json.dumps(data.report)
    origin = json.loads(json.dumps(data.origin))
    monkeypatch.chdir("/")
    again = names.data(**origin)
    assert again.fingerprint == data.fingerprint
    assert again.origin == data.origin
    assert again.held_out.index.tolist() == data.held_out.index.tolist()
    assert again.space.config() == data.space.config()


def test_digits() -> None:
    data = digits()
    assert (data.name, data.space.shape, len(data.train), len(data.held_out)) == ("digits", (1, 8, 8), 1617, 180)
    assert data.space.labels is not None
    assert data.space.labels.columns[0].classes == tuple("0123456789")
    assert (int(data.train.raw.max()), int(data.train.raw.min())) == (255, 0)
    sklearn = pytest.importorskip("sklearn.datasets").load_digits()
    assert (data.train.raw[..., 0] == np.round(sklearn.images * 255 / 16)).all()
    assert data.train.labels is not None
    assert (data.train.labels[:, 0] == sklearn.target).all()
    assert digits().fingerprint == data.fingerprint
    assert names.data(**data.origin).fingerprint == data.fingerprint


def test_digits_options() -> None:
    data = digits(size=16, holdout=0, labels=False)
    assert data.space.shape == (1, 16, 16)
    assert (data.space.labels, len(data.held_out)) == (None, 0)
    assert digits(seed=1).held_out.index.tolist() != digits().held_out.index.tolist()


def test_digits_need_scikit_learn_but_do_not_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; from ganvas.spaces.images import digits; digits(); assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        digits()


def test_columns_of_cells() -> None:
    made = columns({"a": ["10", "9", "9"], "b": [1.5, 2, 3], "c": ["x", "y", "x"], "d": [True, False, True]})
    assert made.names == ["a", "b", "c", "d"]
    assert made.classes == [["9", "10"], [], ["x", "y"], ["False", "True"]]
    assert made.values.tolist() == [[1, 1.5, 0, 1], [0, 2, 1, 0], [0, 3, 0, 1]]
    many = columns({"whole": [str(i) for i in range(21)]})
    assert many.classes == [[]]
    typed = columns({"whole": [i % 30 for i in range(60)]}, typed=True)
    assert len(typed.classes[0]) == 30
