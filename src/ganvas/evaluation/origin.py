"""The data that a run was trained on, found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganvas import names
from ganvas.errors import InputError
from ganvas.run import Run
from ganvas.space import Data, unlabelled
from ganvas.training.privacy import recorded


def data_of(run: Run, source: Any = None) -> Data | None:
    """The data of a run, perhaps from another place, when it is what the run was trained on, else None."""
    moved = {} if source is None else {"source": str(source) if isinstance(source, Path) else source}
    try:
        data = names.again(run.info["data"]["origin"] | moved, run.info["data"]["fingerprint"])
    except (InputError, TypeError):
        return None
    if data.fingerprint != run.info["data"]["fingerprint"]:
        return None
    guard = recorded(run)
    data = data if guard is None else guard.data(data)  # as its space counts classes
    ours, theirs = run.space.labels, data.space.labels
    same = ours is None or theirs is None or ours.columns == theirs.columns  # a game may tell codes of its own instead
    return data if same else unlabelled(data)
