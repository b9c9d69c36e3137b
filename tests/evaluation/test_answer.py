"""One evaluation in memory: what is compared with what, by which protocol, with which floor and warnings."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganvas as gan
from ganvas.errors import InputError
from ganvas.evaluation.answer import Answer, Question, answer
from ganvas.evaluation.copies import SHIFTS, moved, small, views
from ganvas.evaluation.figures import MEASURES, OTHERS, SLOW, by_class, chosen
from ganvas.evaluation.looks import Look
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.samples import Samples, at, part
from ganvas.metrics.extractors import values
from ganvas.metrics.features import extractor
from ganvas.spaces.toys import Points, ring

FAST = ["frechet_distance", "kid", "manifolds"]


def given(x: np.ndarray, name: str = "made") -> Samples:
    """Features as samples."""
    return Samples(name, len(x), None, lambda a, b: (x[a:b], None), given=torch.from_numpy(x.astype(np.float32)))


def normal(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)) + shift


def ask(fake: np.ndarray, real: np.ndarray, wanted: list[str] = FAST, seed: int = 0) -> Answer:
    return answer(Question(given(fake), given(real, "real"), None, wanted, seed))


def test_equal_sets_are_equal_and_a_shift_costs_its_square() -> None:
    x = normal(400, 0)
    same, moved = ask(x, x).figures, ask(x + 3, x).figures
    assert same["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert [same[name] for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    assert moved["frechet_distance"] == pytest.approx(4 * 3**2, rel=1e-5)  # |shift|²; covariances are equal
    assert moved["kid"] > 100 * abs(same["kid"])


def test_the_same_seed_gives_the_same_figures_and_the_floor_depends_on_it() -> None:
    x, y = normal(300, 0), normal(300, 1)
    first, again, other = (ask(x, y, seed=seed).figures for seed in (1, 1, 2))
    for found in (first, again, other):
        found.pop("protocol")
    assert first == again
    assert first["frechet_distance"] == other["frechet_distance"]
    assert first["noise_floor"] != other["noise_floor"]


def test_without_training_data_the_floor_is_one_half_of_the_real_ones_against_the_other() -> None:
    found = ask(normal(300, 0, 3.0), normal(301, 1)).figures
    assert found["protocol"]["noise_floor"] == "one half of real (150) against the other"
    assert 0 < found["noise_floor"]["frechet_distance"] < 0.5 < found["frechet_distance"]
    assert set(found["noise_floor"]) <= set(found)


def test_with_training_data_the_floor_is_what_training_samples_reach() -> None:
    data = ring(count=1000)
    take = extractor("values", data.space)
    held_out, train = part(data, "held-out"), part(data, "train", 100)
    found = answer(Question(train, held_out, take, FAST, data=data)).figures
    assert found["protocol"]["noise_floor"] == "100 training samples against the same held-out ones"
    assert {name: found[name] for name in found["noise_floor"]} == found["noise_floor"]


def test_copies_of_training_samples_are_told_and_warned_of() -> None:
    data = ring(count=4000)
    take = extractor("values", data.space)
    held_out, train = part(data, "held-out"), part(data, "train", 400)
    copied = answer(Question(train, held_out, take, ["memorisation"], data=data))
    honest = answer(Question(held_out, held_out, take, ["memorisation"], data=data))
    assert copied.figures["memorisation"]["copies"] == 1
    assert copied.figures["memorisation"]["alarm"]
    assert any("copies of training samples" in line for line in copied.figures["warnings"])
    assert not honest.figures["memorisation"]["alarm"]
    assert copied.memory is not None
    assert float(copied.memory.distance.max()) == 0


def test_memory_is_not_asked_without_held_out_data() -> None:
    data = ring(count=500)
    train, take = part(data, "train"), extractor("values", data.space)
    for real, known in ((train, data), (part(data, "held-out"), None)):
        found = answer(Question(train, real, take, ["memorisation"], data=known))
        assert "memorisation" not in found.figures
        assert (found.memory, found.train) == (None, None)


def test_modes_are_counted_where_the_density_is_known() -> None:
    data = ring(count=800)
    take = extractor("values", data.space)
    assert isinstance(data.space, Points)
    half = np.repeat(data.space.centres[:4], 50, 0).astype(np.float32)
    fake = Samples("half", len(half), data.space, lambda a, b: (half[a:b], None))
    found = answer(Question(fake, part(data, "held-out"), take, ["modes"])).figures["modes"]
    assert (found["covered"], found["of"], found["share_good"]) == (4, 8, 1)


@pytest.mark.parametrize(
    ("count", "features", "said"),
    [(999, 4, "mostly bias"), (1000, 4, ""), (1000, 1000, "fewer than dimensions"), (1001, 1000, "")],
)
def test_few_samples_are_warned_of(count: int, features: int, said: str) -> None:
    x = np.random.default_rng(0).normal(size=(count, features)).astype(np.float32)
    from ganvas.evaluation.answer import warnings

    look = Look(torch.from_numpy(x))
    assert said in " ".join(warnings(look, look, {"frechet_distance": 1.0}, halved=False))
    assert bool(said) == bool(warnings(look, look, {"frechet_distance": 1.0}, halved=False))
    assert warnings(look, look, {"kid": 1.0}, halved=True) == []
    assert "too high" in warnings(look, look, {"frechet_distance": 1.0}, halved=True)[-1]


def test_the_protocol_says_how_to_make_the_figures_again() -> None:
    data = ring(count=500)
    take = extractor("values", data.space)
    found = answer(Question(part(data, "train", 60), part(data, "held-out"), take, ["kid"], 3, data)).figures
    protocol = found["protocol"]
    assert (protocol["extractor"], protocol["resizer"], protocol["dimensions"]) == ("values", "none", 2)
    assert (protocol["n_fake"], protocol["n_real"], protocol["seed"], protocol["metrics"]) == (60, 50, 3, ["kid"])
    assert (protocol["fingerprint"], protocol["split"]) == (data.fingerprint, "held-out")
    assert protocol["versions"]["torch"] == torch.__version__
    assert ask(normal(20, 0), normal(20, 1)).figures["protocol"]["extractor"] == "features as given"


@pytest.mark.parametrize(
    ("fake", "real", "message"),
    [
        (normal(11, 0), normal(20, 1), "made holds 11 samples; 12 are needed"),
        (normal(20, 0), normal(1, 1), "real holds 1 samples; 12 are needed"),
        (normal(20, 0)[:, :3], normal(20, 1), "features of 4 and 3 numbers"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(fake: np.ndarray, real: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(fake, real)


def test_samples_need_an_extractor_and_the_same_kind() -> None:
    points, digits = part(ring(count=100), "train"), part(gan.digits(), "held-out")
    with pytest.raises(InputError, match="samples, not features"):
        answer(Question(points, given(normal(20, 0)), None, FAST))
    with pytest.raises(InputError, match=r"\[2\] and .* \[1, 8, 8\] differ"):
        answer(Question(points, digits, extractor("values", digits.space or ring().space), FAST))
    with pytest.raises(InputError, match="ms_ssim looks at pictures"):
        answer(Question(points, points, extractor("values", ring(count=9).space), ["ms_ssim"]))


def test_metrics_are_chosen_by_name() -> None:
    assert chosen("kid, manifolds,") == ["kid", "manifolds"]
    assert chosen("fid,recall") == ["frechet_distance", "manifolds"]
    assert set(chosen(None)) == {*MEASURES, *OTHERS} - {*SLOW}
    with pytest.raises(InputError, match="no metric 'kdi'; did you mean 'kid'"):
        chosen("frechet_distance,kdi")


def test_classes_are_measured_where_both_have_enough() -> None:
    x = torch.from_numpy(normal(40, 0)).float()
    real = Look(x, torch.arange(40) // 10)  # ten of each of four classes
    fake = Look(x, torch.tensor([0] * 10 + [1] * 9 + [2] * 21))
    found = by_class(real, fake, ["a", "b", "c", "d"], FAST, 0)
    assert found["a"]["frechet_distance"] == pytest.approx(0, abs=1e-6)
    assert found["b"] == {"n_real": 10, "n_fake": 9}
    assert found["c"]["frechet_distance"] > 0.1
    assert found["d"] == {"n_real": 10, "n_fake": 0}
    assert set(by_class(real, fake, ["a"], ["frechet_distance"], 0)["a"]) == {"n_real", "n_fake", "frechet_distance"}


def test_views_move_pictures_and_repeat_the_border() -> None:
    raw = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert moved(raw, 1, 0)[0, :, :, 0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert moved(raw, 0, -1)[0, 0, :, 0].tolist() == [1, 2, 3, 3]
    digits = part(gan.digits(), "train", 30)
    plain, seen = small(digits), views(digits, 20)
    assert (plain.shape, seen.shape) == ((30, 64), (2 * len(SHIFTS), 20, 64))
    assert torch.equal(seen[0], plain[:20])
    assert torch.equal(seen[len(SHIFTS)], plain[:20].view(20, 8, 8).flip(2).flatten(1))


@pytest.mark.parametrize("how", ["as they are", "mirrored", "moved"])
def test_copied_pictures_are_told_though_mirrored_or_moved(how: str) -> None:
    data = gan.digits()
    train, held_out = part(data, "train", 150), part(data, "held-out")

    def copied(start: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        raw, labels = train.read(start, stop)
        made = {"as they are": raw, "mirrored": raw[:, :, ::-1], "moved": moved(raw, 0, 1)}[how]
        return np.ascontiguousarray(made), labels

    fake = Samples("copied", train.count, data.space, copied)
    take = extractor("values", data.space)
    found = answer(Question(fake, held_out, take, ["memorisation"], data=data)).figures["memorisation"]
    assert found["alarm"]
    assert found["copies"] > (0.5 if how == "moved" else 0.9)  # of eight columns one is lost


def test_data_is_known_again_by_its_fingerprint_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(0).integers(0, 255, (40, 8, 8), dtype=np.uint8))
    how: dict[str, Any] = {"net": "mlp", "hidden": 4, "latent": 8, "batch": 4, "rounds": 1, "quiet": True}
    run = gan.train(tmp_path / "a.npz", run=tmp_path / "run", **how)
    found = data_of(run)
    assert found is not None
    assert found.fingerprint == run.info["data"]["fingerprint"]
    shutil.move(tmp_path / "a.npz", tmp_path / "b.npz")
    assert data_of(run) is None
    again = data_of(run, tmp_path / "b.npz")
    assert again is not None
    assert np.array_equal(again.held_out.index, found.held_out.index)
    np.savez(tmp_path / "a.npz", images=np.zeros((40, 8, 8), np.uint8))
    assert data_of(run) is None


def test_features_of_data_are_taken_once(tmp_path: Path) -> None:
    """The cache knows samples by their key, and an extractor by its digest."""
    np.savez(tmp_path / "a.npz", images=np.random.default_rng(1).integers(0, 255, (60, 8, 8), dtype=np.uint8))
    calls: list[int] = []
    real = at(tmp_path / "a.npz")
    assert real.space is not None
    plain = values.make(real.space)

    def counted(raw: np.ndarray) -> torch.Tensor:
        calls.append(len(raw))
        return plain.embed(raw)

    noise = np.random.default_rng(2).integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)
    fake = Samples("noise", 60, real.space, lambda a, b: (noise[a:b], None))
    take = dataclasses.replace(plain, embed=counted, digest="known")
    first = answer(Question(fake, real, take, FAST)).figures
    assert sum(calls) == 120
    again = answer(Question(fake, real, take, FAST)).figures
    assert sum(calls) == 180  # the made ones only
    assert first["kid"] == again["kid"]
    answer(Question(fake, real, dataclasses.replace(take, digest="another"), FAST))
    assert sum(calls) == 300
