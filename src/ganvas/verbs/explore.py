"""Walk through the latent space of a trained generator, and edit what it makes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganvas import names
from ganvas.errors import InputError, nearest
from ganvas.run import Run


def explore(run: Run | str | Path, what: str, *, trust: str | Path | None = None, **options: Any) -> dict[str, Any]:
    """Walk through the latent space of a run, and edit what it makes: pictures or video out, and numbers.

    Args:
        run: the run folder.
        what: the experiment; `ganvas explore RUN WHAT --help` names its options.
        trust: your own Python file, when the run's network is yours.
        options: those of the experiment.

    Raises:
        InputError: no such run, experiment or option, or the experiment does not suit the run.
    """
    function = experiment(what)
    known = {name: p for name, p in inspect.signature(function).parameters.items() if name != "run"}
    if missing := [name for name, p in known.items() if p.default is p.empty and name not in options]:
        raise InputError(f"{what} needs --{missing[0]}")
    if unknown := [name for name in options if name not in known]:
        raise InputError(f"{what} has no option {unknown[0]}{nearest(unknown[0], known)}")
    return function(run if isinstance(run, Run) else Run(run, trust), **options)


def experiments() -> dict[str, str]:
    """The names of the experiments and what each does: the files in ``exploring`` with a function of their own name
    whose options are given by name."""
    folder = names.PACKAGE / "exploring"
    defined = r"^def {}\(\s*run: Run,\s*\*,"  # options by name alone: what helps an experiment takes others
    return {
        name: told
        for name, told in names.listing("exploring").items()
        if re.search(defined.format(name), (folder / f"{name}.py").read_text("utf-8"), re.M)
    }


def experiment(what: str) -> Callable[..., dict[str, Any]]:
    """The function of an experiment. Raises InputError for an unknown one."""
    if what not in (known := experiments()):
        raise InputError(f"no experiment '{what}'{nearest(what, known)}")
    found: Callable[..., dict[str, Any]] = getattr(names.module("exploring", what), what)
    return found
