"""Hugging Face data sets: a stand-in for the library, and the library itself where it is installed."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import noise, png, put

from ganvas.errors import InputError
from ganvas.spaces.images import hub, images


class Image:
    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    dtype = "int64"

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Value:
    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


class Set:
    """What we use of datasets.Dataset."""

    def __init__(self, features: dict[str, Any], table: dict[str, list[Any]], fingerprint: str = "f") -> None:
        self.features, self.table, self._fingerprint = features, table, fingerprint

    def __len__(self) -> int:
        return len(next(iter(self.table.values())))

    def __getitem__(self, name: str) -> list[Any]:
        return self.table[name]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for feature in self.features.values():
            assert not getattr(feature, "decode", False), "the library must not decode"
        for i in range(len(self)):
            yield {name: cells[i] for name, cells in self.table.items()}

    def select_columns(self, names: list[str]) -> Set:
        return Set({n: self.features[n] for n in names}, {n: self.table[n] for n in names})

    def cast_column(self, name: str, feature: Any) -> Set:
        return Set({**self.features, name: feature}, self.table)


def made(seed: int, count: int, fingerprint: str = "f") -> Set:
    features = {"image": Image(), "label": ClassLabel(["cat", "dog", "ant"]), "age": Value("int32"), "z": Image()}
    pictures = [{"bytes": png(noise(seed + i, 6, 5, 3)), "path": None} for i in range(count)]
    table = {"image": pictures, "label": [i % 3 for i in range(count)], "age": [i // 2 for i in range(count)]}
    return Set(features, table | {"z": pictures}, fingerprint)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Names of data sets -> what load_dataset returns."""
    sets: dict[str, Any] = {}

    def load(name: str, configuration: str | None = None) -> Any:
        if name not in sets:
            raise FileNotFoundError(f"Dataset '{name}' doesn't exist\non the Hub")
        return sets[name] if configuration is None else sets[name][configuration]

    monkeypatch.setitem(__import__("sys").modules, "datasets", types.SimpleNamespace(load_dataset=load))
    return sets


def test_a_hub_data_set_with_its_own_split(library: dict[str, Any]) -> None:
    library["me/pets"] = {"train": made(0, 9), "test": made(50, 4), "unsupervised": made(90, 5)}
    data = images("hf:me/pets")
    assert (data.name, len(data.train), len(data.held_out)) == ("pets", 9, 4)
    assert data.origin["source"] == "hf:me/pets"
    assert data.space.labels is not None
    assert [(c.name, c.classes) for c in data.space.labels.columns] == [("label", ("ant", "cat", "dog"))]
    assert data.train.labels is not None
    assert data.space.labels.names(data.train.labels[:3]) == ["cat", "dog", "ant"]
    assert (data.train.raw[0] == noise(0, 6, 5, 3)).all()
    assert "z is not used" in data.report["summary"]
    aged = images("hf:me/pets", labels="age,label")
    assert aged.space.labels is not None
    assert [c.name for c in aged.space.labels.columns] == ["age", "label"]


def test_a_configuration_and_a_single_split(library: dict[str, Any]) -> None:
    library["pets"] = {"small": {"validation": made(0, 20)}}
    data = images("hf:pets:small")
    assert (len(data.train), len(data.held_out)) == (18, 2)


def test_another_fingerprint_is_other_data(library: dict[str, Any]) -> None:
    library["pets"] = made(0, 5)
    first = images("hf:pets").fingerprint
    assert images("hf:pets").fingerprint == first
    library["pets"] = made(1, 5, "g")
    assert images("hf:pets").fingerprint != first


def test_files_beside_the_table_and_empty_cells(library: dict[str, Any], tmp_path: Path) -> None:
    pixels = put(tmp_path / "a.png")
    cells = [{"bytes": None, "path": str(tmp_path / "a.png")}] * 4 + [
        None,
        {"bytes": None, "path": str(tmp_path / "x")},
    ]
    library["pets"] = Set({"image": Image()}, {"image": cells})
    data = images("hf:pets")
    assert (data.train.raw == pixels).all()
    assert [entry["file"] for entry in data.report["skipped"]] == ["train[4]", "train[5]"]


def test_what_a_hub_data_set_cannot_be(library: dict[str, Any]) -> None:
    library["text"] = Set({"text": Value("string")}, {"text": ["a", "b"]})
    library["odd"] = {"one": made(0, 3), "two": made(0, 3)}
    library["tiny"] = made(0, 1)
    for name, message in (
        ("text", "no column of pictures; it has text"),
        ("odd", "no split 'train'; it has one, two"),
        ("tiny", "holds 1 pictures"),
        ("missing", "cannot be loaded: Dataset 'missing' doesn't exist on the Hub"),
    ):
        with pytest.raises(InputError, match=message):
            images(f"hf:{name}")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    (tmp_path / "dataset_dict.json").write_text("{}")
    for what in ("hf:me/pets", tmp_path):
        with pytest.raises(InputError, match=r"pip install ganvas\[hf\]"):
            images(what)


def test_the_real_library(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "picture": datasets.Image(),
            "kind": datasets.ClassLabel(names=["cat", "dog"]),
            "note": datasets.Value("string"),
        }
    )
    pixels = [noise(i, 6, 5, 3) for i in range(10)]
    table = {"picture": [{"bytes": png(p)} for p in pixels], "kind": [i % 2 for i in range(10)], "note": ["x"] * 10}
    whole = datasets.Dataset.from_dict(table, features=features)
    datasets.DatasetDict({"train": whole.select(range(7)), "test": whole.select(range(7, 10))}).save_to_disk(
        str(tmp_path / "both")
    )
    whole.save_to_disk(str(tmp_path / "one"))
    both, one = images(tmp_path / "both"), images(tmp_path / "one")
    assert (len(both.train), len(both.held_out), len(one.train)) == (7, 3, 9)
    for data in (both, one):
        assert (data.train.raw == np.stack(pixels)).all()
        assert data.space.labels is not None
        assert data.space.labels.columns[0].classes == ("cat", "dog")
    assert images(tmp_path / "both").fingerprint == both.fingerprint
    assert hub.is_saved(tmp_path / "one")
