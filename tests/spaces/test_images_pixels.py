"""Decoding: sizes, modes, orientation, and files that cannot be read."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_files import folder_of, noise, png, put
from PIL import Image

from ganvas.errors import InputError
from ganvas.spaces.images import images, pixels
from ganvas.spaces.images.pixels import Policy, UnreadableError, decode


def saved(picture: Image.Image, how: str = "png", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, how, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_modes_stay_as_they_are(tmp_path: Path, mode: str) -> None:
    written = [put(tmp_path / f"{i}.png", i, mode=mode) for i in range(3)]
    data = images(tmp_path, holdout=0)
    assert data.space.config()["bits"] == (16 if mode == "I;16" else 8)
    assert data.space.config()["mode"] == ("L" if mode == "I;16" else mode)
    assert (data.train.raw.reshape(3, -1) == np.stack(written).reshape(3, -1)).all()
    assert data.train.raw.dtype == written[0].dtype


def test_16_bit_tiff_of_both_byte_orders() -> None:
    values = noise(0, 6, 5, kind=np.uint16)
    little = decode(saved(Image.fromarray(values), "tiff"), Policy())
    assert (little.mode, little.array.dtype) == ("I;16", np.uint16)
    assert (little.array[..., 0] == values).all()
    tags = [(256, 4, 5), (257, 4, 6), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, 6)]
    tags.append((279, 4, 60))
    body = values.astype(">u2").tobytes()
    entries = b"".join(
        struct.pack(">HHI", tag, kind, 1) + (struct.pack(">HH", v, 0) if kind == 3 else struct.pack(">I", v))
        for tag, kind, v in tags
    )
    file = struct.pack(">2sHI", b"MM", 42, 8 + 60) + body + struct.pack(">H", len(tags)) + entries + bytes(4)
    assert (decode(file, Policy()).array[..., 0] == values).all()


def test_palettes_single_bits_and_printing_colours_become_plain() -> None:
    colour = Image.fromarray(noise(0, 8, 8, 3))
    palette = colour.quantize(16)
    clear = palette.copy()
    clear.info["transparency"] = 0
    keyed = saved(Image.fromarray(noise(1, 4, 4, 3)), transparency=(1, 2, 3))
    for data, mode in (
        (saved(palette), "RGB"),
        (saved(clear, transparency=0), "RGBA"),
        (keyed, "RGBA"),
        (saved(colour.convert("1")), "L"),
        (saved(colour.convert("CMYK"), "jpeg"), "RGB"),
        (saved(colour.convert("YCbCr"), "tiff"), "RGB"),
        (saved(colour.convert("I").point(lambda v: v * 200), "tiff"), "I;16"),
    ):
        assert decode(data, Policy()).mode == mode
    assert (decode(saved(palette), Policy()).array == np.asarray(palette.convert("RGB"))).all()
    assert set(np.unique(decode(saved(colour.convert("1")), Policy()).array)) <= {0, 255}


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.fromarray(np.full((6, 6), level, np.uint8)) for level in (40, 200)]
    gif = saved(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert (decode(gif, Policy(), "L").array == 40).all()


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation(turn: int) -> None:
    upright = np.zeros((24, 32, 3), np.uint8)
    upright[:8, :8] = 255  # white in the upper left corner
    transforms = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # tag -> Pillow's transpose that undoes it, inverted
    picture = Image.fromarray(upright)
    if turn in transforms:
        picture = picture.transpose(Image.Transpose(transforms[turn]))
    exif = Image.Exif()
    exif[0x0112] = turn
    seen = decode(saved(picture, "jpeg", exif=exif, quality=95), Policy())
    assert seen.size == (24, 32)
    assert seen.array.shape == (24, 32, 3)
    assert seen.array[1:7, 1:7].min() > 200
    assert seen.array[12:, 12:].max() < 50


def test_size_is_written_in_many_ways_and_misspelt() -> None:
    for size, meant in ((64, (64, 64)), ("64", (64, 64)), ("48x64", (48, 64)), ((48, 64), (48, 64)), ([9, 8], (9, 8))):
        assert Policy.of(size, "pad").size == meant
    for wrong in ("large", "64x", 0, "1x1", -5, "1x2x3", "999999x999999", 6.5):
        with pytest.raises(InputError, match=r"size .* (not understood|out of range)"):
            Policy.of(wrong, "centre")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="did you mean 'centre'"):
        Policy.of(64, "center")


def test_crops() -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255  # the middle third is white
    data = png(wide)
    assert decode(data, Policy((10, 10), "centre")).array.min() > 230
    stretched = decode(data, Policy((12, 12), "stretch")).array[..., 0]
    assert (stretched[:, [0, 11]] < 20).all()
    assert (stretched[:, 5:7] > 235).all()
    padded = decode(data, Policy((30, 30), "pad")).array[..., 0]
    assert padded[:9].max() == 0
    assert padded[15, 15] == 255
    clear = decode(png(np.full((10, 30, 4), 255, np.uint8)), Policy((30, 30), "pad")).array
    assert clear[0, 0].tolist() == [0, 0, 0, 0]


def test_shrinking_is_antialiased_in_8_and_16_bits_and_any_channels() -> None:
    board = (np.indices((64, 64)).sum(0) % 2).astype(np.float64)
    grey8 = decode(png((board * 255).astype(np.uint8)), Policy((8, 8))).array
    grey16 = decode(png((board * 65535).astype(np.uint16)), Policy((8, 8))).array
    assert abs(grey8.astype(float) - 127.5).max() < 4
    assert grey16.dtype == np.uint16
    assert abs(grey16 / 257 - 127.5).max() < 4
    many = (board[..., None] * np.array([255, 100, 10, 0, 255])).astype(np.uint8)
    shrunk = Policy((8, 8)).apply_array(many)
    assert shrunk.shape == (8, 8, 5)
    assert abs(shrunk.astype(float).mean((0, 1)) - [127.5, 50, 5, 0, 127.5]).max() < 3


def test_large_jpegs_shrink_to_nearly_the_same_as_by_full_decoding() -> None:
    smooth = np.asarray(Image.fromarray(noise(0, 8, 8, 3)).resize((800, 600), Image.Resampling.BICUBIC))
    full = np.asarray(Image.fromarray(smooth).resize((64, 64), Image.Resampling.LANCZOS, (100, 0, 700, 600)))
    fast = decode(saved(Image.fromarray(smooth), "jpeg", quality=95), Policy((64, 64))).array
    assert np.abs(fast.astype(int) - full).mean() < 3


def test_mixed_modes_become_the_most_common_and_are_told(tmp_path: Path) -> None:
    put(tmp_path / "0.png", 0, mode="L")  # the first is not of the majority: a second pass
    folder_of(tmp_path, [f"{i}.png" for i in range(1, 5)])
    put(tmp_path / "5.png", 5, mode="RGBA")
    report = images(tmp_path).report
    assert report["modes"] == {"RGB": 4, "L": 1, "RGBA": 1}
    assert (report["mode"], report["converted"], report["read"]) == ("RGB", 2, 6)
    assert "2 converted to RGB (4 RGB, 1 L, 1 RGBA)" in report["summary"]


def test_conversions_between_depths_and_of_transparency() -> None:
    clear = np.zeros((4, 4, 4), np.uint8)
    assert (decode(png(clear), Policy(), "RGB").array == 255).all()
    assert decode(png(clear), Policy(), "I;16").array.max() == 65535
    deep = np.array([[0, 257, 65535]], np.uint16)
    assert decode(png(deep), Policy(), "L").array.ravel().tolist() == [0, 1, 255]
    assert decode(png(deep), Policy(), "RGBA").array.shape == (1, 3, 4)


def test_sizes_that_differ_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path / "a", [f"{i}.png" for i in range(3)], size=(6, 5))
    folder_of(tmp_path / "b", ["8.png"], size=(7, 9))
    with pytest.raises(
        InputError, match=r"differ in size, 6x5 \(3×\), 7x9 \(1×\); choose one, such as size=64 \(--size"
    ):
        images(tmp_path)
    data = images(tmp_path, size="8x10")
    assert data.space.shape == (3, 8, 10)
    assert data.report["sizes"] == {"6x5": 3, "7x9": 1}
    assert data.report["resized"] == 4


def test_unreadable_files_are_skipped_counted_and_named(tmp_path: Path) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(8)])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_bytes(b"no picture at all")
    (tmp_path / "cut.png").write_bytes((tmp_path / "1.png").read_bytes()[:-30])
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere")
    Image.fromarray(np.ones((6, 5), np.float32)).save(tmp_path / "floats.tiff")
    data = images(tmp_path)
    reasons = {entry["file"]: entry["reason"] for entry in data.report["skipped"]}
    assert data.report["read"] == len(data.train.raw) == 8
    assert reasons.keys() == {"empty.png", "text.jpg", "cut.png", "floats.tiff"}
    assert reasons["empty.png"] == "the file is empty"
    assert reasons["text.jpg"] == "not a picture"
    assert "floats" in reasons["floats.tiff"]
    assert "4 skipped, such as " in data.report["summary"]


def test_too_many_unreadable_files_are_an_error(tmp_path: Path) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(4)])
    for i in range(5):
        (tmp_path / f"bad{i}.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"more than 4 of 9 files .* bad0\.png \(not a picture\), bad1") as caught:
        images(tmp_path)
    assert "\n" not in str(caught.value)


def test_decompression_bombs_are_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(3)])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    (skipped,) = images(tmp_path).report["skipped"]
    assert skipped["file"] == "bomb.png"
    assert "bomb?" in skipped["reason"]
    monkeypatch.setattr(pixels, "LARGEST", 20)
    with pytest.raises(UnreadableError, match="too many"):
        decode((tmp_path / "0.png").read_bytes(), Policy())


def test_pictures_of_one_pixel_and_all_unreadable(tmp_path: Path) -> None:
    folder_of(tmp_path / "dots", ["1.png", "2.png"], size=(1, 1))
    with pytest.raises(InputError, match="one pixel"):
        images(tmp_path / "dots")
    (tmp_path / "bad").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "bad" / name).write_bytes(b"x")
    with pytest.raises(InputError, match="more than 1 of 2"):
        images(tmp_path / "bad")
    put(tmp_path / "bad" / "1.png")
    with pytest.raises(InputError, match="fewer than two"):
        images(tmp_path / "bad")


def test_many_large_files_in_threads_keep_their_order(tmp_path: Path) -> None:
    written = folder_of(tmp_path, [f"{i:03}.png" for i in range(90)], size=(110, 110))
    assert (tmp_path / "000.png").stat().st_size > 32 * 1024
    data = images(tmp_path, holdout=0)
    assert all((a == b).all() for a, b in zip(data.train.raw, written.values(), strict=True))
