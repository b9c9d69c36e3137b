"""List the games, nets, recipes and data that have a name, and the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ganvas import names
from ganvas.errors import InputError
from ganvas.run import Run

Kind = Literal["games", "nets", "recipes", "data", "runs"]


def list(kind: Kind | None = None, *, runs: str | Path = "runs") -> dict[str, dict[str, str]]:
    """Everything that has a name: ``{kind: {name: what it is}}``, with paper, year and what was measured.

    Args:
        kind: games, nets, recipes, data or runs (default: all).
        runs: the folder whose runs are listed.

    Raises:
        InputError: no such kind.
    """
    kinds = ("games", "nets", "recipes", "data", "runs")
    if kind is not None and kind not in kinds:
        raise InputError(f"no kind '{kind}'; known: {', '.join(kinds)}")
    found: dict[str, dict[str, str]] = {}
    for one in kinds if kind is None else (kind,):
        if one == "runs":
            found[one] = {str(p): told(p) for p in sorted(Path(runs).glob("*")) if (p / "run.json").exists()}
        elif one == "data":
            found[one] = {name: (f.__doc__ or "").split("\n")[0] for name, f in names.built_in().items()}
        else:
            numbers = names.measured(one)
            found[one] = {name: f"{line} {numbers.get(name, '')}".strip() for name, line in names.listing(one).items()}
    return found


def told(path: Path) -> str:
    """A run in one line."""
    try:
        run = Run(path)
        progress, planned = run.progress, run.info["plan"]["planned"]
        return (
            f"{run.info['game'].split(':')[1]} on {run.info['data']['name']}, {progress.seen:,} of {planned:,} samples"
        )
    except (InputError, KeyError) as error:
        return f"damaged: {error}"
