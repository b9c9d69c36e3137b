"""What is served under which name, and the batch sizes that never change a sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.latents import CHUNK
from ganvas.run import Run
from ganvas.serving.models import Eager, figures, load, steady


class Fickle:
    """Its samples change with the size of the batch where that is in ``sizes``, and with the row where ``rows``."""

    def __init__(self, sizes: tuple[int, ...] = (), rows: bool = False) -> None:
        self.sizes, self.rows, self.session = sizes, rows, self

    def feed(self, seed: int, indices: range) -> tuple[dict[str, np.ndarray], None]:
        return {"z": np.random.default_rng(seed).random((len(indices), 3))}, None

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        z = given["z"]
        z = z + 1e-7 * (len(z) in self.sizes) + 1e-7 * self.rows * np.arange(len(z))[:, None]
        return [z]


def sizes(made: Any, largest: int = 32) -> tuple[int, ...]:
    return tuple(sorted(steady(made, largest)))


def test_only_sizes_that_change_no_bit_are_used() -> None:
    assert sizes(Fickle()) == (1, 2, 4, 8, 16, 32)
    assert sizes(Fickle(), 5) == (1, 2, 4)
    assert sizes(Fickle((1, 8))) == (2, 4, 16, 32)
    assert sizes(Fickle(rows=True)) == (1,)


def test_models_are_named_by_their_file_their_folder_or_the_user(run: Run, file: Path) -> None:
    found = load([str(file), f"mine={file}", str(run.path)], 8)
    assert list(found) == ["file", "mine", "digits"]
    assert found["digits"].run is not None
    assert found["file"].run is None
    given, _ = found["file"].made.feed(0, range(5))
    assert np.array_equal(found["file"].made.raw(given), found["digits"].made.raw(given))


def test_names_are_plain_and_each_occurs_once(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two models are named 'a'"):
        load([f"a={file}", f"a={file}"], 8)
    with pytest.raises(InputError, match="is no name for a model"):
        load([f"../a={file}"], 8)
    with pytest.raises(InputError, match="name what to serve"):
        load([], 8)
    with pytest.raises(InputError, match="no run folder"):
        load([str(tmp_path / "none")], 8)
    odd = tmp_path / "größe 3=4.onnx"
    odd.write_bytes(file.read_bytes())
    assert list(load([str(odd)], 1)) == ["gr-e-3-4"]


def test_in_torch_samples_are_those_of_the_run(run: Run, file: Path) -> None:
    eager, indices = Eager(run), range(CHUNK)
    for how in ({}, {"label": "7"}, {"truncation": 0.5}):
        given, labels = eager.feed(3, indices, **how)
        raw, expected = run.samples(indices, 3, **how)
        assert np.abs(eager.raw(given).astype(int) - raw).max() <= 1
        assert np.array_equal(labels, expected)
        assert given.keys() == Exported(file).feed(3, indices, **how)[0].keys()


def test_what_cannot_be_exported_is_served_in_torch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise InputError("not this one")

    monkeypatch.setattr("ganvas.exporting.onnx.onnx", refuse)
    served = load([str(run.path)], 8)["digits"]
    assert isinstance(served.made, Eager)
    assert served.sizes == (CHUNK,)
    assert "not this one" in served.about["runtime"]


def test_figures_come_with_their_protocol(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    assert figures(path) == {}
    told = {"against": "digits (held-out)", "kid": 0.5, "precision": 1, "protocol": {"seed": 0, "n_real": 7}}
    path.write_text(json.dumps(told))
    assert figures(path)["kid"] == 0.5
    assert figures(path)["protocol"]["n_real"] == 7
    assert "precision" not in figures(path)
    path.write_text("[1]")
    assert figures(path) == {}


def test_threads_follow_the_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    from ganvas.serving.models import threads

    for told, expected in (("3", 3), ("", 0), ("4,2", 0)):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert threads() == expected
