"""``ganvas evaluate`` from end to end: runs, folders, arrays and features, each against real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganvas as gan
from ganvas.errors import InputError
from ganvas.skins import cli
from ganvas.spaces.toys import ring

RAW = {"extractor": "values"}
TINY: dict[str, Any] = {"hidden": 8, "latent": 8, "batch": 16, "rounds": 2, "quiet": True}


def grey(count: int, seed: int) -> np.ndarray:
    """Smooth bright discs of random places on dark ground [n, 8, 8, 1]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    places = random.uniform(1, 7, (count, 2, 1, 1))
    return (255 * np.exp(-((y - places[:, 0]) ** 2 + (x - places[:, 1]) ** 2) / 4)).astype(np.uint8)[..., None]


def folder(place: Path, pictures: np.ndarray) -> Path:
    """A folder of PNG files."""
    place.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture.squeeze(2)).save(place / f"{number:03d}.png")
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gan.Run:
    place = tmp_path_factory.mktemp("runs") / "points"
    return gan.train(ring(count=1000), run=place, **TINY)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> gan.Run:
    place = tmp_path_factory.mktemp("runs") / "digits"
    return gan.train("digits", run=place, net="mlp", **TINY)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """What ``ganvas evaluate … --json`` prints."""
    code = cli.main(["evaluate", *map(str, arguments), "--json"])
    out = capsys.readouterr()
    assert code == 0, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def test_a_run_is_judged_against_what_it_held_out(run: gan.Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, run.path)
    for key in ("frechet_distance", "kid", "kid_standard_error", "precision", "recall", "density", "coverage"):
        assert np.isfinite(found[key])
        assert np.isfinite(found["noise_floor"][key])
    assert found["frechet_distance"] > 10 * found["noise_floor"]["frechet_distance"]  # it is hardly trained
    assert found["memorisation"]["expected"] == pytest.approx(0.05, abs=0.02)
    assert found["modes"]["of"] == 8
    protocol = found["protocol"]
    assert (protocol["n_fake"], protocol["n_real"], protocol["split"]) == (1000, 100, "held-out")
    assert protocol["fingerprint"] == run.info["data"]["fingerprint"]
    assert protocol["checkpoint"] == "000000002"
    assert any("100 samples" in line for line in found["warnings"])
    assert json.loads((run.path / "evaluation.json").read_text()) == found
    assert not (run.path / "neighbours.png").exists()  # points are no pictures


def test_the_same_seed_gives_the_same_figures(run: gan.Run) -> None:
    first, again, other = (gan.evaluate(run, n=200, seed=seed) for seed in (1, 1, 2))
    for found in (first, again, other):
        del found["protocol"]
    assert first == again
    assert first["frechet_distance"] != other["frechet_distance"]


def test_a_run_of_pictures_has_classes_and_shows_its_nearest_neighbours(digits: gan.Run) -> None:
    found = gan.evaluate(digits, n=300, metrics="manifolds,labels,memorisation", **RAW)
    assert set(found["classes"]) == set("0123456789")
    assert sum(row["n_real"] for row in found["classes"].values()) == 180
    assert sum(row["n_fake"] for row in found["classes"].values()) == 300
    assert all(row["recall"] < 0.5 for row in found["classes"].values() if row["n_real"] >= 10)
    with Image.open(digits.path / "neighbours.png") as picture:
        assert picture.width > picture.height  # pairs side by side, two rows


def test_metrics_are_those_asked_for(run: gan.Run) -> None:
    found = gan.evaluate(run, n=100, metrics="kid")
    assert set(found) == {"of", "against", "kid", "kid_standard_error", "noise_floor", "warnings", "protocol"}
    assert found["warnings"] == []
    with pytest.raises(InputError, match="did you mean 'kid'"):
        gan.evaluate(run, metrics="kdi")


def test_against_something_else_nothing_stays_in_the_run(digits: gan.Run, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in digits.path.rglob("*") if p.is_file()}
    found = gan.evaluate(digits, against=folder(tmp_path / "real", grey(60, 0)), n=60, **RAW)
    assert found["against"] == str(tmp_path / "real")
    assert {p: p.read_bytes() for p in digits.path.rglob("*") if p.is_file()} == before


def test_pictures_of_another_size_are_brought_to_that_of_the_run(digits: gan.Run, tmp_path: Path) -> None:
    large = grey(40, 0).repeat(2, 1).repeat(2, 2)
    found = gan.evaluate(digits, against=folder(tmp_path / "real", large), n=40, metrics="kid", **RAW)
    assert found["protocol"]["dimensions"] == 64


def test_training_rows_can_be_asked_for(run: gan.Run) -> None:
    found = gan.evaluate(run, split="train", n=100, metrics="kid")
    assert (found["protocol"]["split"], found["protocol"]["n_real"]) == ("train", 900)


def test_folders_equal_ones_are_near_damaged_ones_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = folder(tmp_path / "real", grey(200, 0))
    others = folder(tmp_path / "others", grey(200, 1))
    turned = folder(tmp_path / "inverted", 255 - grey(200, 1))
    same, near, far = (told(capsys, one, "--against", real, "--extractor", "values") for one in (real, others, turned))
    assert same["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert (same["precision"], same["coverage"]) == (1, 1)
    assert near["kid"] < far["kid"] / 10
    assert near["frechet_distance"] < far["frechet_distance"] / 10
    assert near["recall"] > 0.5 > far["recall"] == 0


@pytest.mark.parametrize("key", ["samples", "images"])
def test_an_array_of_pictures_is_a_folder_of_them(tmp_path: Path, key: str) -> None:
    made, real = grey(60, 0), folder(tmp_path / "real", grey(60, 1))
    np.savez(tmp_path / "made.npz", **{key: made})
    first = gan.evaluate(tmp_path / "made.npz", against=real, **RAW)
    second = gan.evaluate(folder(tmp_path / "made", made), against=real, **RAW)
    back = gan.evaluate(real, against=tmp_path / "made.npz", metrics="frechet_distance", **RAW)
    assert first["frechet_distance"] == second["frechet_distance"]
    assert back["frechet_distance"] == pytest.approx(first["frechet_distance"], rel=1e-6)


def test_what_generate_writes_evaluate_reads(digits: gan.Run, tmp_path: Path) -> None:
    gan.generate(digits, out=tmp_path / "made.npz", n=60)
    direct = gan.evaluate(digits, against="digits", n=60, metrics="frechet_distance", **RAW)
    stored = gan.evaluate(tmp_path / "made.npz", against="digits", metrics="frechet_distance", **RAW)
    assert stored["frechet_distance"] == pytest.approx(direct["frechet_distance"], rel=1e-6)


def test_features_against_features_need_no_extractor(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", features=random.normal(size=(300, 3)))
    np.savez(tmp_path / "b.npz", features=random.normal(size=(300, 3)) + 2)
    found = gan.evaluate(tmp_path / "a.npz", against=tmp_path / "b.npz")
    assert found["frechet_distance"] == pytest.approx(3 * 2**2, rel=0.1)
    assert found["protocol"]["extractor"] == "features as given"


def test_points_in_a_file_are_points_of_the_run_they_are_held_against(tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", samples=ring(count=300, holdout=0.0).train.raw)
    found = gan.evaluate(tmp_path / "real.npz", against="ring", metrics="modes,frechet_distance")
    assert found["modes"]["covered"] == 8
    assert found["frechet_distance"] < 0.05


def test_several_are_compared_by_name(run: gan.Run, digits: gan.Run) -> None:
    found = gan.evaluate(run, str(digits.path), n=100, metrics="manifolds", extractor="values")
    assert set(found) == {"compared"}
    assert set(found["compared"]) == {str(run.path), str(digits.path)}
    alone = gan.evaluate(run, n=100, metrics="manifolds", extractor="values")
    assert found["compared"][str(run.path)]["precision"] == alone["precision"]


def test_two_folders_of_one_name_are_both_told(tmp_path: Path) -> None:
    ours, theirs = folder(tmp_path / "a/made", grey(40, 0)), folder(tmp_path / "b/made", 255 - grey(40, 0))
    found = gan.evaluate(ours, theirs, against=ours, metrics="frechet_distance", **RAW)["compared"]
    assert len(found) == 2


def test_an_extractor_of_ones_own_is_called_and_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def light(x):\n    return x.flatten(2).mean(2).repeat(1, 2)\n")
    real, dark = folder(tmp_path / "real", grey(60, 0)), folder(tmp_path / "dark", grey(60, 0) // 2)
    found = gan.evaluate(dark, against=real, extractor=f"{tmp_path}/mine.py:light", metrics="frechet_distance")
    light = [pictures.mean((1, 2, 3)) / 255 for pictures in (grey(60, 0), grey(60, 0) // 2)]
    expected = (light[0].mean() - light[1].mean()) ** 2 + (light[0].std(ddof=1) - light[1].std(ddof=1)) ** 2
    assert found["frechet_distance"] == pytest.approx(2 * expected, rel=1e-3)
    assert (found["protocol"]["extractor"], found["protocol"]["dimensions"]) == ("light", 2)
    assert "mine.py:light" in found["protocol"]["origin"]


def test_a_run_object_is_named_by_its_folder_in_messages(tmp_path: Path) -> None:
    run = gan.train(ring(count=300, holdout=0.0), run=tmp_path / "run", **TINY)
    with pytest.raises(InputError, match=rf"{run.path} held nothing out.*--split train"):
        gan.evaluate(run)
    run.update(data=run.info["data"] | {"fingerprint": "0"})
    with pytest.raises(InputError, match=rf"the data of {run.path} is not where it was"):
        gan.evaluate(run)
