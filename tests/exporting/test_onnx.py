"""ONNX: what leaves makes the same samples as what stays, without torch, or does not leave."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx as library
import pytest
import torch
from scipy import special

import ganvas as gan
from exporting.making import LABELS, untrained
from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.exporting import onnx as exporting
from ganvas.exporting.graph import WHOLE, cut, erfinv
from ganvas.latents import Prior
from ganvas.names import listing
from ganvas.run import Run
from ganvas.spaces import toys
from ganvas.spaces.images import Images

TABLES = {"masked", "rows", "gain"}  # nets of tables: see test_tables_onnx.py
HEAVY = {"biggan", "stylegan2", "stylegan3"}  # many small operations: tracing takes tens of seconds
PICTURES = [
    pytest.param(net, marks=pytest.mark.slow if net in HEAVY else ()) for net in listing("nets") if net not in TABLES
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("made")
    run = untrained(folder / "run", "dcgan")
    gan.export(run, out=folder / "made.onnx")
    return run, folder / "made.onnx"


def apart(run: Run, file: Path, n: int, truncation: float | None = None, label: object = None) -> float:
    """The largest difference of stored samples between a run and its file."""
    here, labels = run.samples(range(n), 3, label, truncation)
    there, told = Exported(file).samples(range(n), 3, label, truncation)
    assert here.dtype == there.dtype
    assert (labels is None and told is None) or np.array_equal(labels, told)
    return float(np.abs(here.astype(float) - there).max())


@pytest.mark.parametrize("net", PICTURES)
def test_every_net_is_the_same_within_a_grey_level(net: str, tmp_path: Path) -> None:
    space = Images(64, 64, 3, mode="RGB") if net == "fastgan" else Images(16, 12, 3, mode="RGB", labels=LABELS)
    run = untrained(tmp_path / "run", net, space)
    found = gan.export(run, out=tmp_path / "made.onnx")
    assert found["max_difference"] <= exporting.NEAR
    raw, _ = run.samples(range(8), 3)
    assert raw.std() > 1  # not one grey
    assert apart(run, tmp_path / "made.onnx", 5) <= 1
    assert apart(run, tmp_path / "made.onnx", 3, truncation=0.6) <= 1


@pytest.mark.parametrize(
    "space",
    [Images(9, 7, 1), Images(8, 8, 4, mode="RGBA"), Images(8, 8, 1, bits=16), Images(8, 8, 5, mode="N")],
    ids=["odd", "alpha", "16-bit", "five channels"],
)
def test_every_kind_of_picture(space: Images, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "mlp", space)
    gan.export(run, out=tmp_path / "made.onnx")
    assert apart(run, tmp_path / "made.onnx", 20) <= (1 if space.bits == 8 else 2)


def test_points_are_decoded_by_their_space(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "mlp", toys.ring().space)
    gan.export(run, out=tmp_path / "made.onnx")
    assert apart(run, tmp_path / "made.onnx", 50) < 1e-5


def test_labels_choose_what_is_made(exported: tuple[Run, Path]) -> None:
    run, file = exported
    assert apart(run, file, 4, label="dog,0.5") <= 1
    cats, dogs = (Exported(file).samples(range(4), label=one)[0].astype(int) for one in ("cat,0", "dog,0"))
    assert np.abs(cats - dogs).max() > 1
    with pytest.raises(InputError, match="no label 'cow'"):
        Exported(file).samples([0], label="cow,0")


@pytest.mark.parametrize(("prior", "limit"), [("normal", 2.0), ("truncated", 1.5)])
def test_latents_are_cut_in_the_graph_as_outside(prior: str, limit: float) -> None:
    full, _ = Prior(200, prior, limit).latents(0, range(50))  # type: ignore[arg-type]
    narrow, _ = Prior(200, prior, limit).latents(0, range(50), truncation=0.7)  # type: ignore[arg-type]
    whole = limit if prior == "truncated" else WHOLE
    made = cut(torch.from_numpy(full), torch.full((50, 1), 0.7), whole).numpy()
    np.testing.assert_allclose(made, narrow, atol=2e-6)
    assert np.array_equal(cut(torch.from_numpy(full), torch.full((50, 1), whole), whole).numpy(), full)


def test_erfinv_to_single_precision() -> None:
    x = torch.linspace(-0.99999, 0.99999, 100_001)
    np.testing.assert_allclose(erfinv(x).numpy(), special.erfinv(x.double().numpy()), rtol=3e-6, atol=1e-7)


def test_a_uniform_prior_has_no_truncation(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "mlp", Images(8, 8, 1), prior="uniform")
    gan.export(run, out=tmp_path / "made.onnx")
    assert list(Exported(tmp_path / "made.onnx").inputs) == ["z"]
    assert apart(run, tmp_path / "made.onnx", 20) <= 1
    with pytest.raises(InputError, match="truncation needs a normal prior"):
        Exported(tmp_path / "made.onnx").samples([0], truncation=0.5)


def test_a_sample_does_not_depend_on_its_company(exported: tuple[Run, Path]) -> None:
    made = Exported(exported[1])
    alone = np.concatenate([made.samples([i], 5)[0] for i in range(20)])
    assert np.array_equal(alone, made.samples(range(20), 5)[0])


@pytest.mark.slow
def test_smaller_files_tell_their_loss(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "dcgan", width=48)
    found = {p: gan.export(run, out=tmp_path / f"{p}.onnx", precision=p) for p in ("float32", "float16", "int8")}  # type: ignore[arg-type]
    assert found["float16"]["bytes"] < 0.6 * found["float32"]["bytes"]
    assert found["int8"]["bytes"] < 0.4 * found["float32"]["bytes"]
    assert 0 < found["float16"]["mean_difference"] < found["int8"]["mean_difference"] < 0.1
    assert apart(run, tmp_path / "float16.onnx", 10) <= 4


def test_a_file_that_is_far_from_torch_is_not_written(
    exported: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "NEAR", 0.0)
    with pytest.raises(InputError, match="differs from torch"):
        gan.export(exported[0], out=tmp_path / "made.onnx")
    assert not list(tmp_path.iterdir())


def test_generate_takes_the_file_without_torch(exported: tuple[Run, Path], tmp_path: Path) -> None:
    run, file = exported
    code = f"""import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("no torch here")
sys.meta_path.insert(0, Blocked())
from ganvas.skins.cli import main
for out in ("grid.png", "many", "arrays.npz"):
    assert not main(["generate", {str(file)!r}, "--out", {str(tmp_path)!r} + "/" + out, "-n", "5", "--label", "cat,0"])
assert "torch" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert len(list((tmp_path / "many").iterdir())) == 5
    made = np.load(tmp_path / "arrays.npz")
    assert np.abs(made["samples"].astype(int) - run.samples(range(5), 0, "cat,0")[0]).max() <= 1
    assert (made["labels"][:, 0] == 0).all()


def test_the_file_says_what_it_is(exported: tuple[Run, Path]) -> None:
    about = Exported(exported[1]).about
    assert about["name"] == "run"
    assert about["truncation"] == "latents"
    assert [column["name"] for column in about["space"]["labels"]["columns"]] == ["kind", "size"]
    content = exported[1].read_bytes()
    assert str(Path(gan.__file__).parent).encode() not in content  # nor anything else of this machine
    assert b"stack_trace" not in content


def other(file: Path, path: Path, told: str | None) -> Path:
    """The same model with another description."""
    model = library.load(file)
    del model.metadata_props[:]
    if told is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = "ganvas", told
    library.save(model, path)
    return path


def test_foreign_and_damaged_files_are_refused(exported: tuple[Run, Path], tmp_path: Path) -> None:
    file = exported[1]
    about = Exported(file).about
    evil = about | {"space": about["space"] | {"class": "os:system"}}
    for name, told, why in (
        ("foreign", None, "not a generator that this ganvas exported"),
        ("later", json.dumps(about | {"format": 99}), "format"),
        ("torn", "{", "damaged"),
        ("evil", json.dumps(evil), "code of its own"),
        ("half", json.dumps({"format": 1}), "damaged"),
    ):
        with pytest.raises(InputError, match=why):
            Exported(other(file, tmp_path / f"{name}.onnx", told))
    (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:-2000])
    (tmp_path / "text.onnx").write_text("hello")
    for name in ("cut", "text"):
        with pytest.raises(InputError, match="not a model that ONNX Runtime reads"):
            Exported(tmp_path / f"{name}.onnx")
    with pytest.raises(InputError, match="no file"):
        Exported(tmp_path / "none.onnx")


def test_names_that_do_not_fit_are_refused(exported: tuple[Run, Path], tmp_path: Path) -> None:
    for to, out in (("onnx", "made.png"), ("torch", "made"), ("web", "made.onnx"), ("hub", "made.onnx")):
        with pytest.raises(InputError, match="--to"):
            gan.export(exported[0], out=tmp_path / out, to=to)  # type: ignore[arg-type]


def test_a_file_cannot_have_other_files_read(exported: tuple[Run, Path], tmp_path: Path) -> None:
    model = library.load(exported[1])
    weight = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = library.TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    (tmp_path / "made.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="not a model that ONNX Runtime reads"):
        Exported(tmp_path / "made.onnx")
