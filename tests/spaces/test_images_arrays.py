"""Arrays: .npz, .npy and IDX files."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from image_files import noise

from ganvas.errors import InputError
from ganvas.spaces.images import images


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_images_and_labels(tmp_path: Path) -> None:
    pixels = noise(0, 20, 6, 5, 3)
    data = images(npz(tmp_path / "a.npz", images=pixels, labels=np.arange(20) % 4), holdout=0)
    assert (data.train.raw == pixels).all()
    assert isinstance(data.train.raw, np.memmap)
    assert data.space.labels is not None
    assert data.space.labels.columns[0].classes == ("0", "1", "2", "3")
    assert data.train.labels is not None
    assert data.train.labels[:, 0].tolist() == [i % 4 for i in range(20)]


def test_kerass_split_is_the_hold_out(tmp_path: Path) -> None:
    x, y = noise(0, 12, 6, 5), np.array(list("abcabcabcabc"))
    path = tmp_path / "k.npz"
    np.savez_compressed(path, x_train=x[:8], y_train=y[:8], x_test=x[8:], y_test=y[8:])
    data = images(path)
    assert data.space.shape == (1, 6, 5)
    assert (data.train.index.tolist(), data.held_out.index.tolist()) == (list(range(8)), [8, 9, 10, 11])
    assert data.space.labels is not None
    assert data.space.labels.columns[0].classes == ("a", "b", "c")
    assert (data.train.raw[..., 0] == x).all()


def test_several_and_continuous_labels(tmp_path: Path) -> None:
    pixels, values = noise(0, 30, 4, 4), np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    data = images(npz(tmp_path / "a.npz", images=pixels, labels=values))
    assert data.space.labels is not None
    assert [(c.name, c.classes) for c in data.space.labels.columns] == [("label0", ()), ("label1", ())]
    data = images(npz(tmp_path / "b.npz", images=pixels, labels=values[:, 0]), labels="label")
    assert data.space.labels is not None
    data = images(npz(tmp_path / "c.npz", images=pixels, labels=np.where(values[:, 0] > 9, 1, np.nan)))
    assert data.space.labels is None
    assert "not all its values are finite" in data.report["summary"]


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        (noise(0, 5, 6, 7), (1, 6, 7)),
        (noise(0, 5, 6, 7, 4), (4, 6, 7)),
        (noise(0, 5, 3, 6, 7), (3, 6, 7)),  # channels first, clearly
        (noise(0, 5, 6, 7, 9), (9, 6, 7)),
        (noise(0, 5, 6, 7, 3, kind=np.uint16), (3, 6, 7)),
        (noise(0, 5, 6, 7).astype(">u2"), (1, 6, 7)),
        (noise(0, 5, 6, 7) > 99, (1, 6, 7)),
        (np.asfortranarray(noise(0, 5, 6, 7, 3)), (3, 6, 7)),
    ],
)
def test_shapes_and_kinds(tmp_path: Path, stored: np.ndarray, shape: tuple[int, ...]) -> None:
    npy = tmp_path / "a.npy"
    np.save(npy, stored)
    wanted = stored * np.uint8(255) if stored.dtype == bool else stored
    if wanted.ndim == 4 and wanted.shape[1] == 3:
        wanted = np.moveaxis(wanted, 1, 3)
    for path in (npy, npz(tmp_path / "a.npz", images=stored)):
        data = images(path, holdout=0)
        assert data.space.shape == shape
        assert data.train.raw.dtype == wanted.dtype.newbyteorder("=")
        assert (data.train.raw == wanted.reshape(data.train.raw.shape)).all()


def test_a_plain_npy_is_used_where_it_lies(tmp_path: Path, cache: Path) -> None:
    np.save(tmp_path / "a.npy", noise(0, 9, 6, 5, 3))
    data = images(tmp_path / "a.npy")
    assert isinstance(data.train.raw, np.memmap)
    assert Path(str(data.train.raw.filename)) == tmp_path / "a.npy"
    assert not list(cache.rglob("pixels.npy"))
    assert images(tmp_path / "a.npy", size=4).space.shape == (3, 4, 4)
    assert len(list(cache.rglob("pixels.npy"))) == 1
    assert data.fingerprint != images(tmp_path / "a.npy", size=4).fingerprint


@pytest.mark.parametrize("low", [0, -1])
def test_floats_become_8_bits_and_the_report_says_so(tmp_path: Path, low: int) -> None:
    pixels = noise(0, 5, 6, 7)
    pixels[0, 0, :2] = 0, 255
    floats = (pixels / 255 if low == 0 else pixels / 127.5 - 1).astype(np.float32)
    data = images(npz(tmp_path / "f.npz", images=floats), holdout=0)
    assert (data.train.raw[..., 0] == pixels).all()
    assert f"floats in [{low}, 1] were read as 8-bit" in data.report["summary"]


def bad_floats(value: float) -> np.ndarray:
    floats = noise(0, 5, 6, 7) / 255.0
    floats[3, 2, 2] = value
    return floats


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": bad_floats(np.nan)}, r"images\[3\] has NaN"),
        ({"images": bad_floats(-np.inf)}, r"images\[3\] has NaN or infinite"),
        ({"images": bad_floats(7.0)}, r"floats from 0\S* to 7; scale them"),
        ({"images": noise(0, 5, 6, 7).astype(np.int64)}, r"is int64; .*astype\('uint8'\)"),
        ({"images": noise(0, 5, 6)}, r"shape \(5, 6\); pictures are \[n, h, w\]"),
        ({"images": noise(0, 1, 6, 6)}, "holds 1 pictures; at least 2"),
        ({"images": noise(0, 9, 1, 1)}, "one pixel"),
        ({"images": np.array([{}, {}])}, r"Python objects \(a pickle\)"),
        ({"images": noise(0, 5, 6, 7), "labels": np.array([{}] * 5)}, r"labels holds Python objects"),
        ({"images": noise(0, 5, 6, 7), "labels": np.arange(4)}, r"labels is int64 \(4,\); .* 5 pictures"),
        ({"x_train": noise(0, 5, 6, 7), "x_test": noise(0, 5, 7, 7)}, "differ in shape or kind"),
        (
            {"google": noise(0, 5, 6, 7), "b": np.arange(3)},
            r"the arrays b, google; expected are images or samples \(and labels\), or",
        ),
    ],
)
def test_what_arrays_cannot_be(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        images(npz(tmp_path / "a.npz", **arrays))
    assert "a.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cut_off_and_altered_files(tmp_path: Path, cache: Path) -> None:
    path = npz(tmp_path / "a.npz", images=noise(0, 50, 9, 9))
    whole = path.read_bytes()
    for broken in (whole[:-2000], whole[:100], b"", whole[:3000] + bytes(20) + whole[3020:]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"a\.npz.* (cut off|damaged)"):
            images(path)
    np.save(tmp_path / "b.npy", noise(0, 50, 9, 9))
    whole = (tmp_path / "b.npy").read_bytes()
    for broken in (whole[:-1], whole[:50], b"nonsense"):
        (tmp_path / "b.npy").write_bytes(broken)
        with pytest.raises(InputError, match=r"b\.npy.* cut off"):
            images(tmp_path / "b.npy")
    assert not list(cache.glob("*.part"))


def idx(path: Path, array: np.ndarray) -> Path:
    data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("end", ["-idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte"])
def test_idx_files(tmp_path: Path, end: str) -> None:
    x, y = noise(0, 14, 6, 5), (np.arange(14) % 3).astype(np.uint8)
    for name, rows in (("train", slice(0, 10)), ("t10k", slice(10, 14))):
        idx(tmp_path / f"{name}-images{end.format(3)}", x[rows])
        idx(tmp_path / f"{name}-labels{end.format(1)}", y[rows])
    data = images(tmp_path)
    assert (data.train.raw[..., 0] == x).all()
    assert data.held_out.index.tolist() == [10, 11, 12, 13]
    assert data.train.labels is not None
    assert data.train.labels[:, 0].tolist() == y.tolist()
    alone = images(tmp_path / f"train-images{end.format(3)}", holdout=0)
    assert len(alone.train) == 10
    assert alone.space.labels is not None


def test_bad_idx_files(tmp_path: Path) -> None:
    path = idx(tmp_path / "train-images-idx3-ubyte", noise(0, 4, 6, 5))
    whole = path.read_bytes()
    for broken, message in (
        (whole[:-1], r"header says \(4, 6, 5\) uint8, but 119 bytes"),
        (whole + b"x", "121 bytes"),
        (b"\x01" + whole[1:], "no IDX file"),
        (b"", "no IDX file"),
        (whole[:6], "damaged"),
    ):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=message):
            images(path)
    zipped = tmp_path / "x-images-idx3-ubyte.gz"
    zipped.write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(InputError, match="damaged"):
        images(zipped)
    idx(tmp_path / "a-train-images-idx3-ubyte", noise(0, 4, 6, 5))
    with pytest.raises(InputError, match="several sets"):
        images(tmp_path)
