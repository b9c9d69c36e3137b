"""The checkpoints of a run as folders: which there are, which is best, what their files hold."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganvas.errors import InputError
from ganvas.files import clear_leftovers, read_json, write_json

KEPT = 2  # newest checkpoints kept, beside the best
NEAR = 1.5  # times the best score: a healthy checkpoint


@dataclass(frozen=True)
class Progress:
    """How far a run got: rounds, real samples shown, and seconds spent in all sessions."""

    t: int = 0
    seen: int = 0
    planned: int = 0
    seconds: float = 0.0


def average(checkpoint: Path) -> dict[str, Tensor]:
    """The averaged generators of a checkpoint, for ``EMA.average.load_state_dict``."""
    return branch(read(checkpoint / "weights.safetensors"), "ema")


def healthy(folder: Path, scores: Sequence[Mapping[str, Any]], onset: int) -> Path | None:
    """Where to go back to after a breakdown that began about round ``onset``: the newest checkpoint from before it
    whose score is near the best, else the best one; without scores the newest before. None when there is none."""
    found = sorted(p for p in folder.glob("[0-9]*") if p.is_dir())
    kept = [p for p in found if int(p.name) <= onset] or found[:1]
    score = {f"{line['t']:09d}": line["score"] for line in scores}
    if not score or not kept:
        return kept[-1] if kept else None
    near = [p for p in kept if score.get(p.name, math.inf) <= NEAR * min(score.values())]
    return near[-1] if near else min(kept, key=lambda p: score.get(p.name, math.inf))


def forget_after(checkpoint: Path) -> None:
    """Drop the checkpoints that were written after this one, and the mark of the best if it was among them."""
    folder = checkpoint.parent
    marked = best(folder)
    for later in sorted(p for p in folder.glob("[0-9]*") if p.is_dir() and p.name > checkpoint.name):
        if later == marked:
            (folder / "best.json").unlink()
        shutil.rmtree(later.rename(later.with_name(f".{later.name}.tmp")))


def latest(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None."""
    return max((p for p in folder.glob("[0-9]*") if p.is_dir()), default=None)


def best(folder: Path) -> Path | None:
    """The checkpoint with the lowest score so far, or None."""
    marks = folder / "best.json"
    return folder / str(read_json(marks)["checkpoint"]) if marks.exists() else None


def mark_best(folder: Path, checkpoint: Path, metric: str, score: float) -> bool:
    """Remember ``checkpoint`` when its ``score`` (lower is better) beats the best one; returns whether it did."""
    marks = folder / "best.json"
    if marks.exists() and read_json(marks)["score"] <= score:
        return False
    write_json(marks, {"checkpoint": checkpoint.name, "metric": metric, "score": score})
    prune(folder)
    return True


def prune(folder: Path) -> None:
    """Keep the newest checkpoints and the best one, drop the others and what a killed process left."""
    clear_leftovers(folder)
    keep = best(folder)
    for old in sorted(p for p in folder.glob("[0-9]*") if p.is_dir())[:-KEPT]:
        if old != keep:
            gone = old.rename(old.with_name(f".{old.name}.tmp"))
            shutil.rmtree(gone)


def branch(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under ``prefix.``, without it."""
    return {k.removeprefix(f"{prefix}."): v for k, v in tensors.items() if k.startswith(f"{prefix}.")}


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises InputError when it is missing or damaged."""
    try:
        return safetensors.torch.load(path.read_bytes())
    except (OSError, SafetensorError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read ({first_line(error)}); use another checkpoint") from None


def first_line(error: Exception) -> str:
    """The message's first line."""
    return str(error).strip().split("\n")[0]
