"""Say what a run is, how far it got, and its last figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganvas.files import read_json
from ganvas.run import Run
from ganvas.training import checkpoints


def show(run: Run | str | Path) -> dict[str, Any]:
    """What a run is, how far it got, and its last figures, as plain JSON values.

    Args:
        run: the run folder.

    Raises:
        InputError: no such run, or it is damaged.
    """
    run = run if isinstance(run, Run) else Run(run)
    info, progress, log = run.info, run.progress, run.log
    marks = run.path / "state" / "best.json"
    newest = checkpoints.latest(run.path / "state")
    return {
        "run": str(run.path),
        "game": info["game"],
        "players": info["players"],
        "data": f"{info['data']['name']}, {info['data']['train']:,} samples ({info['data']['held_out']:,} held out)",
        "shape": info["data"]["shape"],
        "settings": {owner: values for owner, values in info["settings"].items() if values},
        "rounds": progress.t,
        "seen": progress.seen,
        "privacy": info.get("privacy"),
        "planned": info["plan"]["planned"],
        "seconds": round(progress.seconds, 1),
        "ended": bool(info.get("ended")),
        "checkpoint": newest.name if newest else None,
        "best": read_json(marks) if marks.exists() else None,
        "last": log[-1] if log else None,
        "machine": info["machine"],
        "versions": info["versions"],
    }
