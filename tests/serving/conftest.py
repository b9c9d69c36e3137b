"""A small generator of digits that knows its labels, as a run and as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

import ganvas as gan
from ganvas.exporting.onnx import onnx
from ganvas.run import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained for two rounds."""
    made: Run = gan.train("digits", run=tmp_path_factory.mktemp("served") / "digits", rounds=2, quiet=True)
    return made


@pytest.fixture(scope="session")
def file(run: Run) -> Path:
    """The same, exported."""
    onnx(run, run.path.parent / "file.onnx")
    return run.path.parent / "file.onnx"
