"""Folders and archives: what is found, its splits and its labels."""

from __future__ import annotations

import csv
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from image_files import folder_of, noise, png, put, tarred, zipped

from ganvas.errors import InputError
from ganvas.space import Data
from ganvas.spaces.images import folders, images

SPLIT = [f"{part}/{kind}/{i}.png" for part in ("train", "test") for kind in ("cat", "dog") for i in range(3)]


def rows_of(data: Data) -> dict[bytes, str]:
    """The label (or "") of every picture by its pixels."""
    labels = data.space.labels
    values = data.train.labels
    names = [""] * len(data.train.raw) if labels is None or values is None else labels.names(values)
    return {bytes(raw.tobytes()): name for raw, name in zip(data.train.raw, names, strict=True)}


def write_table(path: Path, rows: list[dict[str, object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_flat_folder_has_no_labels_and_a_tenth_held_out(tmp_path: Path) -> None:
    pixels = folder_of(tmp_path / "a", [f"{i}.png" for i in range(20)])
    data = images(tmp_path / "a")
    assert data.name == "a"
    assert data.space.labels is None
    assert data.train.labels is None
    assert data.space.shape == (3, 6, 5)
    assert (len(data.train), len(data.held_out)) == (18, 2)
    assert rows_of(data) == {p.tobytes(): "" for p in pixels.values()}
    assert data.report["read"] == 20
    assert "20 pictures 6×5 RGB" in data.report["summary"]


def test_class_folders_in_natural_order_keep_their_names(tmp_path: Path) -> None:
    names = [f"{kind}/deep/{i}.png" for kind in ("10", "2", "007") for i in range(2)]
    pixels = folder_of(tmp_path, names)
    data = images(str(tmp_path))
    assert data.space.labels is not None
    (column,) = data.space.labels.columns
    assert (column.name, column.classes) == ("class", ("2", "007", "10"))
    assert rows_of(data) == {p.tobytes(): name.split("/")[0] for name, p in pixels.items()}


def test_the_datas_own_split_is_the_hold_out(tmp_path: Path) -> None:
    pixels = folder_of(tmp_path, SPLIT)
    data = images(tmp_path)
    held = {data.train.raw[i].tobytes() for i in data.held_out.index}
    assert held == {p.tobytes() for name, p in pixels.items() if name.startswith("test")}
    assert len(data.train) == 6
    assert set(rows_of(data).values()) == {"cat", "dog"}
    pooled = images(tmp_path, holdout=0.25)
    assert (len(pooled.train), len(pooled.held_out)) == (9, 3)
    assert "set aside" in pooled.report["summary"]
    assert len(images(tmp_path, holdout=0).train) == 12


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_validation_is_held_out_without_a_test_split(tmp_path: Path, name: str) -> None:
    folder_of(tmp_path, [f"train/{i}.png" for i in range(4)] + [f"{name}/{i}.png" for i in range(3)])
    data = images(tmp_path)
    assert (len(data.train), len(data.held_out)) == (4, 3)
    assert data.space.labels is None
    folder_of(tmp_path, [f"test/{i}.png" for i in range(2)] + ["extra/x.png"])
    data = images(tmp_path)
    assert (len(data.train), len(data.held_out)) == (4, 2)
    assert "validation split are not used" in data.report["summary"]
    assert "1 pictures outside train" in data.report["summary"]


def test_test_and_val_without_train_are_classes(tmp_path: Path) -> None:
    folder_of(tmp_path, ["test/1.png", "test/2.png", "val/1.png", "val/2.png"])
    data = images(tmp_path)
    assert data.space.labels is not None
    assert data.space.labels.columns[0].classes == ("test", "val")


def test_one_class_and_loose_files_mean_no_labels(tmp_path: Path) -> None:
    folder_of(tmp_path / "one", ["cat/1.png", "cat/2.png"])
    assert images(tmp_path / "one").space.labels is None
    folder_of(tmp_path / "loose", ["cat/1.png", "dog/2.png", "3.png"])
    data = images(tmp_path / "loose")
    assert data.space.labels is None
    assert "1 pictures lie outside" in data.report["summary"]


def test_other_and_hidden_files_are_ignored_and_counted(tmp_path: Path) -> None:
    folder_of(tmp_path, ["1.png", "2.PNG"])
    for name in (".hidden.png", "Thumbs.db", "readme.txt", "__MACOSX/._1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    data = images(tmp_path)
    assert (data.report["read"], data.report["ignored"], data.report["skipped"]) == (2, 4, [])


def test_linked_folders_do_not_loop(tmp_path: Path) -> None:
    folder_of(tmp_path / "a", ["x/1.png", "y/2.png"])
    (tmp_path / "a" / "x" / "back").symlink_to(tmp_path / "a")
    assert images(tmp_path / "a").report["read"] == 2


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
def test_archives_equal_their_folder(tmp_path: Path, ending: str) -> None:
    folder_of(tmp_path / "set", SPLIT)
    pack = zipped if ending == "zip" else tarred
    here, there = images(tmp_path / "set"), images(pack(tmp_path / "set", tmp_path / f"pack.{ending}"))
    assert rows_of(here) == rows_of(there)
    assert there.name == "pack"
    assert there.space.config() == here.space.config()
    for part in ("train", "held_out"):
        a, b = getattr(here, part), getattr(there, part)
        assert {a.raw[i].tobytes() for i in a.index} == {b.raw[i].tobytes() for i in b.index}


def test_a_tar_made_in_the_folder_itself(tmp_path: Path) -> None:
    folder_of(tmp_path / "set", SPLIT)
    with tarfile.open(tmp_path / "p.tar", "w") as archive:
        archive.add(tmp_path / "set", ".")  # names such as ./train/cat/0.png
    data = images(tmp_path / "p.tar")
    assert (len(data.train), len(data.held_out)) == (6, 6)
    assert data.space.labels is not None
    assert data.space.labels.columns[0].classes == ("cat", "dog")


def test_archive_paths_never_reach_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "evil.tar"  # so that ../../ stays inside this test's folder
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w") as archive:
        for i, name in enumerate(["../../outside.png", "/abs/other.png", "fine.png"]):
            data = png(noise(i, 4, 4, 3))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = set(tmp_path.rglob("*.png"))
    assert images(path).report["read"] == 3
    assert set(tmp_path.rglob("*.png")) == before


@pytest.mark.parametrize("ending", ["zip", "tar", "folder"])
def test_huge_members_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(folders, "LARGEST_BYTES", 4000)
    folder_of(tmp_path / "s", [f"{i}.png" for i in range(4)])
    put(tmp_path / "s" / "huge.png", size=(60, 60))
    path = {"zip": zipped, "tar": tarred}.get(ending, lambda root, _: root)(tmp_path / "s", tmp_path / f"p.{ending}")
    (skipped,) = images(path).report["skipped"]
    assert "huge.png" in skipped["file"]
    assert "larger than" in skipped["reason"]


def test_a_zip_that_lies_about_a_size_is_bounded(tmp_path: Path) -> None:
    folder_of(tmp_path / "s", [f"{i}.png" for i in range(4)])
    path = zipped(tmp_path / "s", tmp_path / "p.zip")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 7)  # the last member claims seven bytes
    path.write_bytes(data)
    assert len(images(path).report["skipped"]) == 1


def test_damaged_and_locked_archives(tmp_path: Path) -> None:
    folder_of(tmp_path / "s", [f"{i}.png" for i in range(6)], size=(30, 30))
    for pack, name in ((zipped, "p.zip"), (tarred, "p.tar"), (tarred, "p.tar.xz")):
        path = pack(tmp_path / "s", tmp_path / name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(InputError, match=r"p\.(zip|tar).* damaged"):
            images(path)
    path = tarred(tmp_path / "s", tmp_path / "p.tar")
    whole = path.read_bytes()
    with tarfile.open(path) as archive:
        third = archive.getmembers()[3].offset
    for broken in (whole[:third], whole[: third + 100], whole[:third] + b"x" * 512 + whole[third + 512 :]):
        path.write_bytes(broken)  # Python's own reader would take either for the end
        with pytest.raises(InputError, match=r"p\.tar .*damaged"):
            images(path)
    path = zipped(tmp_path / "s", tmp_path / "locked.zip")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        count = len(archive.infolist())
    at = 0
    for _ in range(count):
        at = data.index(b"PK\x01\x02", at + 1)
        data[at + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="password"):
        images(path)


def metadata(root: Path) -> dict[str, np.ndarray]:
    names = [f"{i}.png" for i in range(30)]
    pixels = folder_of(root, names)
    rows = [
        {"file_name": n, "hair": "blond" if i % 2 else "dark", "age": i, "grade": 10 - i % 10, "score": i / 7}
        | {"caption": f"text {i}", "same": "x", "gap": "" if i == 3 else "y"}
        for i, n in enumerate(names)
    ]
    write_table(root / "metadata.csv", rows)  # type: ignore[arg-type]
    return pixels


def test_metadata_columns(tmp_path: Path) -> None:
    pixels = metadata(tmp_path)
    data = images(tmp_path)
    assert data.space.labels is not None
    columns = {c.name: c for c in data.space.labels.columns}
    assert list(columns) == ["hair", "age", "grade", "score"]
    assert columns["hair"].classes == ("blond", "dark")
    assert columns["grade"].classes == tuple(str(i) for i in range(1, 11))
    assert columns["age"].classes == columns["score"].classes == ()
    summary = data.report["summary"]
    assert "no label 'caption': 30 different values" in summary
    assert "no label 'same': all its values are 'x'" in summary
    assert "no label 'gap': it is empty for 1 of 30" in summary
    assert data.train.labels is not None
    at = [r.tobytes() for r in data.train.raw].index(pixels["7.png"].tobytes())
    assert data.train.labels[at].tolist() == [0, 7, 2, pytest.approx(1)]
    assert data.space.labels.columns[1].mean == pytest.approx(data.train.labels[data.train.index, 1].mean())


def test_choosing_labels(tmp_path: Path) -> None:
    metadata(tmp_path)
    for wanted in (["score", "hair"], "score,hair", ("score", "hair")):
        data = images(tmp_path, labels=wanted)
        assert data.space.labels is not None
        assert [c.name for c in data.space.labels.columns] == ["score", "hair"]
    for none in (False, "none"):
        assert images(tmp_path, labels=none).space.labels is None
    for wrong, message in (("hare", "did you mean 'hair'"), ("caption", "cannot be used"), (3, "not understood")):
        with pytest.raises(InputError, match=message):
            images(tmp_path, labels=wrong)


def test_metadata_in_split_folders_an_archive_and_jsonl(tmp_path: Path) -> None:
    root = tmp_path / "set"
    folder_of(root, [f"{part}/{i}.png" for part in ("train", "test") for i in range(3)])
    for part in ("train", "test"):
        lines = [f'{{"file_name": "{i}.png", "kind": "{part[:2]}{i % 2}"}}' for i in range(3)]
        (root / part / "metadata.jsonl").write_text("\n".join(lines))
    for path in (root, zipped(root, tmp_path / "p.zip"), tarred(root, tmp_path / "p.tar.gz")):
        data = images(path)
        assert data.space.labels is not None
        assert data.space.labels.columns[0].classes == ("te0", "te1", "tr0", "tr1")
        assert (len(data.train), len(data.held_out)) == (3, 3)


def test_pictures_without_a_row_are_skipped_and_named(tmp_path: Path) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(4)])
    rows: list[dict[str, object]] = [{"path": f"{i}.png", "kind": i % 2} for i in (0, 1, 2, 9)]
    write_table(tmp_path / "metadata.csv", rows)
    report = images(tmp_path).report
    assert report["skipped"] == [{"file": "3.png", "reason": "no row in the metadata"}]
    assert "1 rows of the metadata name no picture" in report["summary"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,kind\n0.png,1\n", "no column file_name; it has name, kind"),
        ("file_name,kind\n0.png\n", "row 1 has other columns"),
        ("file_name,kind\nz.png,1\n", "it names 'z.png', we see '0.png'"),
        ("file_name,kind\n\xff", "cannot be read"),
    ],
)
def test_bad_metadata(tmp_path: Path, text: str, message: str) -> None:
    folder_of(tmp_path, ["0.png", "1.png"])
    (tmp_path / "metadata.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        images(tmp_path)


def test_nothing_to_load(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path / "one" / "a.png")
    (tmp_path / "notes.txt").write_text("x")
    for path, message in (
        (tmp_path / "missing", "there is no file or folder"),
        (tmp_path / "empty", "holds no pictures"),
        (tmp_path / "one", "only one picture"),
        (tmp_path / "one" / "a.png", "is one picture; give the folder"),
        (tmp_path / "notes.txt", r"'\.txt' are not understood"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            images(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
