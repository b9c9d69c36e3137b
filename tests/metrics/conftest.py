"""Peers to compare with, imported beside a stand-in for torchvision: they import it, what is used does not need it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec

import pytest


class StandIn(type):
    """Enough of torchvision for the peers' files to be imported: whatever is asked for is one more empty class."""

    def __getattr__(cls, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(name, (), {})


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], types.ModuleType]]:
    """Imports a module of a peer beside a stand-in for torchvision, and forgets both afterwards."""
    before = set(sys.modules)
    for part in ("", ".datasets", ".transforms", ".transforms.functional"):
        name = f"torchvision{part}"
        monkeypatch.setitem(sys.modules, name, StandIn(name, (), {"__spec__": ModuleSpec(name, None)}))

    def load(name: str) -> types.ModuleType:
        if importlib.util.find_spec(name.split(".")[0]) is None:
            pytest.skip(f"{name} is not installed")
        return importlib.import_module(name)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        yield load
    for name in set(sys.modules) - before:
        if name.split(".")[0] in {"torch_fidelity", "pytorch_fid", "prdc"}:
            del sys.modules[name]
