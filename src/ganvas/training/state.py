"""The state of a game: everything a run needs to go on bit for bit, as folders of safetensors and JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from ganvas.errors import DivergedError, InputError
from ganvas.files import dumps, read_json, write_folder
from ganvas.game import Game
from ganvas.training.checkpoints import Progress, branch, first_line, prune, read
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers


def save(folder: Path, game: Game, optimisers: Optimisers, ema: EMA, seconds: float) -> Path:
    """Write the checkpoint ``folder/<rounds>`` atomically and drop old ones. Raises InputError when it cannot."""
    weights = {**flat("game", game.state_dict()), **flat("ema", ema.average.state_dict())}
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
        optimiser.state.clear()  # weights that had not moved then have no moments
        for number, weight in enumerate(optimisers.weights([player])):
            for key, value in branch(moments, f"{player}.{number}").items():
                like = weight.detach() if value.shape == weight.shape else value
                device = weight.device if optimiser.defaults.get("fused") else like.device
                optimiser.state[weight][key] = torch.empty_like(like, device=device).copy_(value)
    game.t, game.seen, game.planned = progress.t, progress.seen, progress.planned
    optimisers.tune(game)
    return progress


def check_finite(game: Game) -> None:
    """Raise DivergedError when a weight is not finite: such a state is worth nothing."""
    for name, tensor in game.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DivergedError(f"{name} is not finite after {game.t} rounds")


def flat(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under ``prefix.``, on the CPU and contiguous, as safetensors wants them."""
    return {f"{prefix}.{k}": v.detach().to("cpu").contiguous().clone() for k, v in tensors.items()}
