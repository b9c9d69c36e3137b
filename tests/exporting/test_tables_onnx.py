"""Generators of tables as ONNX: the same rows, without torch; constraints stay at home."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ganvas as gan
from exporting.making import untrained
from ganvas.errors import InputError
from ganvas.exported import Exported
from make import mixed, table


@pytest.mark.parametrize("net", [pytest.param("masked", marks=pytest.mark.slow), "rows", "gain"])
def test_every_net_makes_the_same_rows(net: str, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", net, table().space)
    found = gan.export(run, out=tmp_path / "made.onnx")
    assert found["max_difference"] <= 1e-4
    here, there = (one.samples(range(400))[0] for one in (run, Exported(tmp_path / "made.onnx")))
    np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-3)
    gan.generate(tmp_path / "made.onnx", out=tmp_path / "rows.csv", n=30)
    frame = pd.read_csv(tmp_path / "rows.csv")
    assert list(frame) == list(mixed())
    assert len(frame) == 30
    with pytest.raises(InputError, match="for --where give the run"):
        gan.generate(tmp_path / "made.onnx", out=tmp_path / "rows.csv", where="x > 0")


def test_rows_that_are_kept_within_constraints_are_refused(tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "masked", gan.tables(mixed(), constraints="x < 9").space)
    with pytest.raises(InputError, match="constraints"):
        gan.export(run, out=tmp_path / "made.onnx")
