"""Sets of samples from wherever they come: read in order, cut in halves, refused with one line when they are none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganvas as gan
from ganvas.errors import InputError
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.samples import STEP, at, halves, part, vectors
from ganvas.spaces.toys import ring

random = np.random.default_rng(0)


def test_chunks_are_all_samples_in_order() -> None:
    data = ring(count=3 * STEP + 7, holdout=0.0)
    chosen = part(data, "train")
    chunks = [raw for raw, _ in chosen.chunks()]
    assert [len(chunk) for chunk in chunks] == [STEP, STEP, STEP, 7]
    assert np.array_equal(np.concatenate(chunks), data.train.raw)


def test_a_part_of_many_is_drawn_by_the_seed_and_its_key_says_which() -> None:
    data = ring(count=500)
    assert part(data, "train").count == 450
    assert part(data, "held-out", 1000).count == 50
    some, again, others = (part(data, "train", 20, seed) for seed in (1, 1, 2))
    assert np.array_equal(some.read(0, 20)[0], again.read(0, 20)[0])
    assert not np.array_equal(some.read(0, 20)[0], others.read(0, 20)[0])
    keys = {s.key for s in (some, others, part(data, "train", 21, 1), part(data, "held-out", 20, 1))}
    assert len(keys) == 4
    assert again.key == some.key
    held_out = {tuple(row) for row in part(data, "held-out").read(0, 50)[0]}
    assert not held_out & {tuple(row) for row in some.read(0, 20)[0]}


def test_mirrored_copies_are_no_samples(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=random.integers(0, 255, (20, 8, 8), dtype=np.uint8))
    data = gan.images(tmp_path / "a.npz", flip=True, holdout=0.0)
    assert len(data.train) == 40
    assert part(data, "train").count == 20


def test_halves_share_no_row_and_miss_none() -> None:
    first, second = halves(part(ring(count=101, holdout=0.0), "train"), seed=3)
    assert (len(first), len(second)) == (50, 51)
    assert sorted([*first, *second]) == list(range(101))


def test_classes_are_those_of_one_column_of_classes(tmp_path: Path) -> None:
    assert part(ring(labels=True), "train").classes == tuple("01234567")
    assert part(ring(), "train").classes == ()
    pictures, labels = random.integers(0, 255, (20, 8, 8), dtype=np.uint8), np.arange(40).reshape(20, 2) % 3
    np.savez(tmp_path / "two.npz", images=pictures, labels=labels)
    assert at(tmp_path / "two.npz").classes == ()


def test_at_takes_all_of_a_folder_or_the_split_asked_for(tmp_path: Path) -> None:
    for number in range(20):
        Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    assert at(tmp_path).count == 20
    assert at(tmp_path, split="train").count == 18
    assert at(tmp_path, split="held-out").count == 2
    larger = at(tmp_path, size="16x16").space
    assert larger is not None
    assert larger.shape == (1, 16, 16)


def test_an_npz_of_features_needs_no_space(tmp_path: Path) -> None:
    features = random.normal(size=(30, 5))
    np.savez(tmp_path / "f.npz", features=features)
    found = at(tmp_path / "f.npz")
    assert (found.count, found.space) == (30, None)
    assert found.given is not None
    assert found.given.numpy() == pytest.approx(features, rel=1e-6)


def test_vectors_are_samples_where_the_space_has_vectors_else_features(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", samples=random.normal(size=(30, 2)).astype(np.float32))
    like = ring(count=50).space
    ours, plain = vectors(tmp_path / "v.npz", like), vectors(tmp_path / "v.npz", None)
    assert ours is not None
    assert plain is not None
    assert (ours.space, ours.given) == (like, None)
    assert (plain.space, plain.given is None) == (None, False)


@pytest.mark.parametrize("key", ["images", "samples"])
def test_an_npz_of_pictures_is_read_under_either_name(tmp_path: Path, key: str) -> None:
    """``ganvas generate --out made.npz`` writes ``samples`` and ``labels``."""
    pictures = random.integers(0, 255, (20, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "made.npz", **{key: pictures, "labels": np.arange(20) % 4})
    found = at(tmp_path / "made.npz")
    raw, labels = found.read(0, 20)
    assert np.array_equal(raw, pictures)
    assert labels is not None
    assert labels[:, 0].tolist() == [i % 4 for i in range(20)]


BAD = {
    "NaN": (np.full((9, 3), np.nan), "holds NaN"),
    "infinite": (np.full((9, 3), np.inf), "holds NaN, infinity"),
    "beyond float32": (np.full((9, 3), 1e300), "beyond float32"),
    "one row": (np.zeros((1, 3)), "n >= 2"),
    "no row": (np.zeros((0, 3)), "n >= 2"),
    "a line": (np.zeros(9), r"\[n, d\]"),
    "complex": (np.zeros((9, 3), complex), "complex128"),
    "text": (np.full((9, 3), "a"), "features are numbers"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_are_no_features_is_refused(tmp_path: Path, kind: str) -> None:
    np.savez(tmp_path / "f.npz", features=BAD[kind][0])
    with pytest.raises(InputError, match=BAD[kind][1]):
        at(tmp_path / "f.npz")


def damaged(whole: bytes, how: str) -> bytes:
    """The bytes of an .npz, spoilt."""
    middle = len(whole) // 2
    return {
        "cut at its end": whole[:-80],
        "cut in half": whole[:middle],
        "empty": b"",
        "text": b"hello",
        "zeros inside": whole[:middle] + bytes(100) + whole[middle + 100 :],
    }[how]


@pytest.mark.parametrize("how", ["cut at its end", "cut in half", "empty", "text", "zeros inside"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_npz_is_a_line_that_names_it(tmp_path: Path, how: str, packed: bool) -> None:
    file = tmp_path / "f.npz"
    (np.savez_compressed if packed else np.savez)(file, features=random.normal(size=(60, 8)))
    file.write_bytes(damaged(file.read_bytes(), how))
    with pytest.raises(InputError, match=r"f\.npz") as caught:
        at(file)
    assert "allow_pickle" not in str(caught.value)  # nobody is told to open it unsafely


def test_an_npz_without_either_key_names_what_it_has_and_what_it_should_have(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", numbers=np.zeros(3))
    with pytest.raises(InputError, match=r"numbers.*(samples|images)"):
        at(tmp_path / "f.npz")
    with pytest.raises(InputError, match=r"no file .*gone\.npz"):
        at(tmp_path / "gone.npz")


class Trap:
    """An object that tells when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return setattr, (Trap, "sprung", True)


@pytest.mark.parametrize("key", ["features", "samples", "images"])
def test_objects_in_an_npz_are_never_unpickled(tmp_path: Path, key: str) -> None:
    file, array = tmp_path / "f.npz", np.empty(2, object)
    array[:] = Trap(), Trap()
    np.savez(file, **{key: array})
    assert b"setattr" in zipfile.ZipFile(file).read(f"{key}.npy")  # the trap is set
    Trap.sprung = False
    with pytest.raises(InputError, match=r"f\.npz"):
        at(file)
    assert not Trap.sprung


def test_a_folder_of_that_name_does_not_hide_built_in_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = gan.train("digits", run=tmp_path / "run", net="mlp", rounds=1, batch=16, hidden=8, latent=8, quiet=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "digits" / "0.png")
    found = data_of(run)
    assert found is not None
    assert found.fingerprint == gan.digits().fingerprint
    assert gan.train(resume=run.path, quiet=True).progress.t == 1
