"""Tell all about a run, or compare several, in one HTML file that needs nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from ganvas.errors import InputError
from ganvas.evaluation.tables import MEASURES, judged
from ganvas.evaluation.trials import PLAIN, given, real_rows, tabular, trial, usual
from ganvas.files import read_json, write_file, writing
from ganvas.reporting.document import page, plots
from ganvas.reporting.subject import Subject
from ganvas.run import Run
from ganvas.verbs.diagnose import diagnose
from ganvas.verbs.evaluate import evaluate


def report(
    *runs: Run | str | Path,
    out: str | Path | None = None,
    fresh: bool = False,
    baselines: bool = False,
    trust: str | Path | None = None,
) -> Path:
    """Write one self-contained HTML file on a run, or on several compared, and return its path.

    Runs that were not evaluated or diagnosed since their last checkpoint are now. The plots also stay as pictures in
    each run's plots/.

    Args:
        runs: the run folders.
        out: the .html file (default: report.html in the first run's folder).
        fresh: evaluate and diagnose again, also where that was done.
        baselines: compare runs of tables with plain baselines too: sequential CART and independent columns.
        trust: your own Python file, when a run's game or network is yours.

    Raises:
        InputError: no such run, or the file cannot be written.
    """
    if not runs:
        raise InputError("a report on what? name one run folder or more: ganvas report RUN")
    opened = [run if isinstance(run, Run) else Run(run, trust) for run in runs]
    if baselines and not tabular(opened[0]):
        raise InputError(f"{opened[0].path} is no run of a table, so it has no --baselines; leave them out")
    subjects = [subject(run, fresh) for run in opened]
    place = Path(out) if out is not None else subjects[0].run.path / "report.html"
    if place.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {place}: end it with .html")
    for one in subjects:
        folder = one.run.path / "plots"
        with writing(folder):
            folder.mkdir(exist_ok=True)
        for name, picture in plots(one).items():
            write_file(folder / f"{name}.png", picture)
    write_file(place, page(subjects, plain(subjects[0].run) if baselines else None))
    return place


def plain(run: Run) -> dict[str, dict[str, Any]]:
    """Evaluations of the plain baselines on the data of a run of a table, by name. InputError when it is gone."""
    real = real_rows(run, None, None)
    return {name: judged(trial(name, given(name, real, usual(real)), real, list(MEASURES))) for name in PLAIN}


def subject(run: Run, fresh: bool) -> Subject:
    """A run with all that is known of it; what is missing is found out first."""
    evaluation = known(run, "evaluation.json", evaluate, fresh)
    diagnosis = known(run, "diagnosis.json", diagnose, fresh)
    place = run.path / "neighbours.png"
    picture = None
    if place.exists():
        with Image.open(place) as opened:
            picture = opened.copy()
    return Subject(run, evaluation, diagnosis, picture)


def known(run: Run, name: str, find: Callable[[Run], dict[str, Any]], fresh: bool) -> dict[str, Any] | None:
    """What a file of the run says, if it is of the generator as it is now; else what the verb finds.

    None, said on standard error, when the verb cannot: a report without figures is better than none.
    """
    file = run.path / name
    if file.exists() and not fresh:
        said: dict[str, Any] = read_json(file)
        if said.get("protocol", {}).get("checkpoint") == run.config.get("checkpoint"):
            return said
    try:
        return find(run)
    except InputError as error:
        print(f"note: {error}", file=sys.stderr)
        return None
