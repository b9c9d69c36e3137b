"""Checkpoints: everything a run needs to go on bit for bit, as folders of safetensors and JSON."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganvas.errors import InputError
from ganvas.files import clear_leftovers, dumps, read_json, write_folder, write_json
from ganvas.game import Game
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers

KEPT = 2  # newest checkpoints kept, beside the best


@dataclass(frozen=True)
class Progress:
    """How far a run got: rounds, real samples shown, and seconds spent in all sessions."""

    t: int = 0
    seen: int = 0
    planned: int = 0
    seconds: float = 0.0


def save(folder: Path, game: Game, optimisers: Optimisers, ema: EMA, seconds: float) -> Path:
    """Write the checkpoint ``folder/<rounds>`` atomically and drop old ones. Raises InputError when it cannot.

    Also raises FloatingPointError, and writes nothing, when a weight is not finite.
    """
    weights = {**flat("game", game.state_dict()), **flat("ema", ema.average.state_dict())}
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise FloatingPointError(f"{name} is not finite after {game.t} rounds")
    moments: dict[str, Tensor] = {}
    for player, optimiser in optimisers.of.items():
        for number, weight in enumerate(optimisers.weights([player])):
            moments |= flat(f"{player}.{number}", optimiser.state[weight])
    progress = Progress(game.t, game.seen, game.planned, seconds)
    files = {
        "weights.safetensors": safetensors.torch.save(weights),
        "optimisers.safetensors": safetensors.torch.save(moments),
        "progress.json": dumps(asdict(progress)).encode(),
    }
    target = folder / f"{game.t:09d}"
    if not target.exists():
        write_folder(target, files)
    prune(folder)
    return target


def restore(checkpoint: Path, game: Game, optimisers: Optimisers, ema: EMA) -> Progress:
    """Put a checkpoint back into freshly made players and optimisers; returns how far it was."""
    progress = Progress(**read_json(checkpoint / "progress.json"))
    weights, moments = read(checkpoint / "weights.safetensors"), read(checkpoint / "optimisers.safetensors")
    try:
        game.load_state_dict(branch(weights, "game"))
        ema.average.load_state_dict(branch(weights, "ema"))
    except RuntimeError as error:
        raise InputError(f"{checkpoint} is from another game or network: {first_line(error)}") from None
    for player, optimiser in optimisers.of.items():
        for number, weight in enumerate(optimisers.weights([player])):
            for key, value in branch(moments, f"{player}.{number}").items():
                like = weight.detach() if value.shape == weight.shape else value
                device = weight.device if optimiser.defaults.get("fused") else like.device
                optimiser.state[weight][key] = torch.empty_like(like, device=device).copy_(value)
    game.t, game.seen, game.planned = progress.t, progress.seen, progress.planned
    optimisers.tune(game)
    return progress


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


def flat(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under ``prefix.``, on the CPU and contiguous, as safetensors wants them."""
    return {f"{prefix}.{k}": v.detach().to("cpu").contiguous().clone() for k, v in tensors.items()}


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
