"""The space of pictures: encoding, decoding, showing, saving."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import noise

from ganvas.errors import InputError
from ganvas.labels import Labels
from ganvas.spaces.images import Images


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 6), st.sampled_from([8, 16]), st.data())
def test_encoding_is_exactly_undone(n: int, h: int, w: int, c: int, bits: int, data: st.DataObject) -> None:
    raw = noise(data.draw(st.integers(0, 99)), n, h, w, c, kind=np.uint8 if bits == 8 else np.uint16)
    space = Images(h, w, c, bits)
    x = space.encode(raw)
    assert x.shape == (n, *space.shape)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert -1 <= float(x.min()) <= float(x.max()) <= 1
    back = space.decode(x)
    assert back.dtype == raw.dtype
    assert (back == raw).all()
    assert back.flags.c_contiguous


@pytest.mark.parametrize("bits", [8, 16])
def test_every_value_survives(bits: int) -> None:
    every = np.arange(2**bits, dtype=np.uint8 if bits == 8 else np.uint16).reshape(1, -1, 1, 1)
    space = Images(2**bits, 1, 1, bits)
    x = space.encode(every)
    assert x.flatten()[[0, -1]].tolist() == [-1.0, 1.0]
    assert (space.decode(x) == every).all()


def test_encode_equals_the_formula_and_takes_read_only_and_strided_arrays() -> None:
    raw = noise(0, 4, 6, 5, 3)
    raw.flags.writeable = False
    flipped = raw[::2, :, ::-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = Images(6, 5, 3, mode="RGB").encode(flipped)
    assert torch.allclose(x, torch.from_numpy(flipped.transpose(0, 3, 1, 2) / 127.5 - 1).float(), atol=1e-6)


def test_decode_clamps_and_rounds() -> None:
    space = Images(1, 4, 1)
    x = torch.tensor([-3.0, 3.0, 0.0, 0.003]).reshape(1, 1, 1, 4)
    assert space.decode(x).flatten().tolist() == [0, 255, 128, 128]
    assert space.decode(x.bfloat16().requires_grad_()).dtype == np.uint8


def test_head_maps_everything_into_range() -> None:
    assert Images(2, 2, 1).head()(torch.tensor([-100.0, 100.0])).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("mode", "channels", "bits", "shown"),
    [
        ("L", 1, 8, "L"),
        ("LA", 2, 8, "L"),
        ("RGB", 3, 8, "RGB"),
        ("RGBA", 4, 8, "RGB"),
        ("N", 7, 8, "RGB"),
        ("L", 1, 16, "L"),
        ("N", 5, 16, "RGB"),
    ],
)
def test_show(mode: str, channels: int, bits: int, shown: str) -> None:
    space = Images(8, 10, channels, bits, mode)
    sheet = space.show(noise(0, 5, 8, 10, channels, kind=np.uint8 if bits == 8 else np.uint16), columns=2)
    assert sheet.mode == shown
    assert sheet.size == (2 * (10 * 4 + 1) + 1, 3 * (8 * 4 + 1) + 1)  # enlarged four times, three rows


def test_show_large_pictures_as_they_are_and_transparency_as_a_board() -> None:
    raw = np.zeros((1, 64, 48, 4), np.uint8)
    raw[0, :, :24] = (255, 0, 0, 255)
    seen = np.asarray(Images(64, 48, 4, mode="RGBA").show(raw, 4))[1:-1, 1:-1]
    assert seen.shape == (64, 48, 3)
    assert (seen[:, :24] == (255, 0, 0)).all()
    assert set(np.unique(seen[:, 24:]).tolist()) == {190, 230}


def test_show_16_bits_as_the_upper_8() -> None:
    raw = np.full((1, 32, 32, 1), 0xAB12, np.uint16)
    assert np.asarray(Images(32, 32, 1, 16).show(raw, 1))[5, 5] == 0xAB


def test_show_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one"):
        Images(4, 4, 1).show(np.zeros((0, 4, 4, 1), np.uint8), 3)


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_pictures_lose_nothing(mode: str, channels: int) -> None:
    raw = noise(0, 3, 4, 5, channels)
    pictures = Images(4, 5, channels, mode=mode).pictures(raw)
    assert [p.mode for p in pictures] == [mode] * 3
    assert (np.stack([np.asarray(p).reshape(4, 5, channels) for p in pictures]) == raw).all()


def test_16_bit_grey_pictures_and_what_fits_no_file() -> None:
    raw = noise(0, 1, 4, 5, 1, kind=np.uint16)
    (picture,) = Images(4, 5, 1, 16).pictures(raw)
    assert picture.mode == "I;16"
    assert (np.asarray(picture) == raw[0, ..., 0]).all()
    for space in (Images(4, 5, 6, mode="N"), Images(4, 5, 3, 16, "RGB")):
        with pytest.raises(InputError, match=r"\.npz"):
            space.pictures(raw)


def test_config_is_json_and_makes_the_same_space() -> None:
    labels = Labels.of(["kind", "age"], [["cat", "dog"], []], np.array([[0, 1.5], [1, 2.5]]))
    for space in (Images(4, 6, 3, 8, "RGB"), Images(4, 6, 1, 16, "L", labels)):
        again = Images.load(json.loads(json.dumps(space.config())))
        assert again.config() == space.config()
        assert again.shape == space.shape
        assert (again.labels is None) == (space.labels is None)
