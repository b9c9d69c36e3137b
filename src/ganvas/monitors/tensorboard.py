"""The log as TensorBoard events. Extra: ``pip install ganvas[tensorboard]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ganvas.errors import InputError
from ganvas.game import Game


def tensorboard(folder: Path) -> Callable[[int, Game, Mapping[str, Any] | None], None]:
    """A monitor that writes every log line's figures, by samples seen. InputError when the extra is missing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError("--tensorboard needs an extra: pip install 'ganvas[tensorboard]'") from None
    writer = SummaryWriter(str(folder))

    def monitor(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
        for name, value in (line or {}).items():
            if name not in ("t", "seen"):
                writer.add_scalar(name, value, game.seen)
        if line:
            writer.flush()

    return monitor
