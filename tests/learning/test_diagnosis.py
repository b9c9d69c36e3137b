"""Diseases are named and health is seen, in runs that are trained so on purpose: one seed of benchmarks/diseases.py."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.learning
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def diseases(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark as a module, found again by the games it defines."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("diseases", BENCHMARKS / "diseases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "diseases", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("latent of 16 on the ring", 200_000),  # mode collapse
        ("frozen generator", 50_000),
        ("frozen discriminator", 50_000),
        ("healthy: R3GAN on the ring", 150_000),
        ("healthy: GAN on the ring", 200_000),
    ],
)
def test_a_cause_gets_its_verdict(diseases: ModuleType, tmp_path: Path, name: str, seen: int) -> None:
    """Shorter than in the benchmark, where each cause has ten seeds."""
    cause = diseases.CAUSES[name]
    verdicts = diseases.caused(replace(cause, settings=cause.settings | {"seen": seen}), 0, tmp_path / "run")
    assert diseases.right(cause, verdicts), verdicts
    if cause.verdict:
        assert "healthy" not in verdicts
