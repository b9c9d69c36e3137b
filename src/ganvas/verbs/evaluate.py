"""Judge a generator, or any samples, against real ones; every figure with its floor and its protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from ganvas.errors import InputError
from ganvas.evaluation.answer import Answer, Question, answer, made
from ganvas.evaluation.figures import MEASURES, OTHERS, chosen
from ganvas.evaluation.neighbours import neighbours
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.samples import Samples, at, part
from ganvas.evaluation.tables import MEASURES as OF_TABLES
from ganvas.evaluation.tables import judged, sheltered
from ganvas.evaluation.tables import wanted as wanted_of_tables
from ganvas.evaluation.trials import Real, called, given, real_rows, tabular, trial, usual
from ganvas.files import png, write_file, write_json
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import extractor as extractor_of
from ganvas.metrics.features import own_file
from ganvas.reporting.document import sheet
from ganvas.rows import rows, table
from ganvas.run import Run

MOST, LEAST = 10_000, 1_000  # made samples when nobody says how many: as many as real ones, within these


def evaluate(
    *what: Any,
    against: Any = None,
    extractor: str | None = None,
    n: int | None = None,
    split: Literal["held-out", "train"] | None = None,
    metrics: str | None = None,
    seed: int = 0,
    report: str | Path | None = None,
    trust: str | Path | None = None,
) -> dict[str, Any]:
    """Judge runs, tables, folders of pictures or .npz files against real samples: figures, their floor, their protocol.

    The noise floor is what real samples reach that are not those judged against: no generator can do better than that.
    Scores of tables also have a floor, of columns shuffled independently, and their place between floor and ceiling.
    Figures of different extractors, sizes or protocols must not be compared.

    Args:
        what: run folders, tables (.csv, .parquet …), independent or cart (plain baselines for tables), folders of
            pictures, or .npz files with ``samples`` or ``features``.
        against: a folder, file or name of real samples (default: what a run held out of its training). Tables:
            TRAIN.csv,OTHER.csv also says what was trained on.
        extractor: whose features are compared: values, digits, mnist, efficientnet-lite0, inception, dinov2, clip,
            NAME=FILE, FILE.py:NAME or FILE.onnx (default: what suits the samples).
        n: how many samples a run makes (default: as many as there are real ones, of tables as many as were trained on,
            1,000 to 10,000).
        split: which part of the real samples (default: held-out for a run's own data, else all).
        metrics: a,b,c of frechet_distance, frechet_infinity, kid, manifolds, diversity, inception_score, labels,
            classifier_accuracy, ms_ssim, lpips, memorisation, modes (default: those that suit and are fast); of tables
            quality, c2st, tstr, trts, closeness, membership, attribute (default: all).
        report: also write the figures, what they mean and their protocol as an .html file.
        seed: of the samples and of everything that is drawn at random.
        trust: your own Python file, when a run's network is yours.

    Raises:
        InputError: something cannot be read or compared; the message says what to do.
    """
    if not what:
        raise InputError("what to judge? give a run, a folder of pictures or an .npz: ganvas evaluate RUN")
    things = [as_run(thing, trust) or thing for thing in what]
    beside = next((thing for thing in things if isinstance(thing, Run) and tabular(thing)), None)
    how = (n, split, seed)
    found = [
        one_table(thing, against, beside, how, metrics, extractor)
        if tabular(thing)
        else one(thing, against, extractor, how, chosen(metrics, OF_TABLES))
        for thing in things
    ]
    if report is not None:
        write_file(Path(report), sheet(found))
    return found[0] if len(found) == 1 else {"compared": {figures["of"]: figures for figures in found}}


How = tuple[int | None, str | None, int]  # samples to make, split, seed


def one_table(
    thing: Any, against: Any, beside: Run | None, how: How, metrics: str | None, extractor: str | None
) -> dict[str, Any]:
    """The figures of rows of a table; without ``against`` by the data of the run, or of the one it stands ``beside``.

    Those of a run against its own data stay in its folder. With a privacy budget they are ``sheltered``.
    """
    if extractor is not None:
        raise InputError(f"tables are judged by their rows, not by features; leave --extractor {extractor} out")
    n, split, seed = how
    run = thing if isinstance(thing, Run) else None
    real = real_rows(run or (beside if against is None else None), against, split, seed)
    wanted = wanted_of_tables(metrics, [*MEASURES, *OTHERS])
    count = n or usual(real)
    made = given(thing, real, count, seed) if run is None else drawn(run, real, count, seed)
    figures = judged(trial(called(thing) if run is None else str(run.path), made, real, wanted, seed))
    near = run or beside
    if near is not None and "privacy" in near.info:
        figures = sheltered(figures)
    if run is not None and real.trained and real.origin["fingerprint"] == run.info["data"]["fingerprint"]:
        figures["protocol"]["checkpoint"] = run.config.get("checkpoint")
        write_json(run.path / "evaluation.json", figures)
    return figures


def drawn(run: Run, real: Real, count: int, seed: int) -> np.ndarray:
    """Rows of a run, in the columns of the real ones."""
    made = rows(run, range(count), seed)
    if table(run).config() == real.space.config():
        return made
    return real.space.read(table(run).frame(made))


def one(what: Run | str | Path, against: Any, extractor: str | None, how: How, wanted: list[str]) -> dict[str, Any]:
    """The figures of one run, folder or file; those of a run stay in its folder."""
    n, split, seed = how
    run = what if isinstance(what, Run) else None
    name = run.path if run is not None else what
    if run is None and against is None:
        raise InputError(f"{what} is no run, so say what is real: ganvas evaluate {what} --against DATA")
    data = data_of(run) if run is not None else None
    if against is None:
        if data is None:
            raise InputError(f"the data of {name} is not where it was, or has changed; give it with --against")
        if split is None and not len(data.held_out):
            raise InputError(f"{name} held nothing out; give real samples with --against, or --split train")
        real = part(data, split or "held-out", MOST, seed)
    else:
        real = at(against, None if run is None else run.space, size_for(run), split)
    if run is not None:
        fake = made(run, n or min(max(real.count, LEAST), MOST), seed)
    else:
        fake = at(Path(str(what)), real.space)
    found = answer(Question(fake, real, looking(extractor, fake, real), wanted, seed, data))
    if run is not None and against is None:
        keep(run, fake, found)
    return found.figures


def as_run(what: Any, trust: str | Path | None) -> Run | None:
    """The run that is meant, or None for a folder, file or table that is none."""
    if isinstance(what, Run) or not isinstance(what, str | Path):
        return what if isinstance(what, Run) else None
    return Run(what, trust) if (Path(what) / "run.json").exists() else None


def size_for(run: Run | None) -> str | None:
    """The size in which pictures are compared with a run's."""
    if run is None or len(run.space.shape) != 3:
        return None
    return f"{run.space.shape[1]}x{run.space.shape[2]}"


def looking(name: str | None, *both: Samples) -> Extractor | None:
    """The extractor for the samples; None when both are features. InputError when one was asked for even so."""
    space = next((samples.space for samples in both if samples.given is None), None)
    if space is not None:
        return extractor_of(name, space, own_file(name))
    if name is not None:
        raise InputError(f"both files hold features, which need no extractor; leave --extractor {name} out")
    return None


def keep(run: Run, fake: Samples, found: Answer) -> None:
    """Write what was found into the run folder: evaluation.json, and the nearest training samples as a picture."""
    found.figures["protocol"]["checkpoint"] = run.config.get("checkpoint")
    write_json(run.path / "evaluation.json", found.figures)
    if found.memory is not None and found.train is not None:
        picture = neighbours(fake, found.train, found.memory)
        if picture is not None:
            write_file(run.path / "neighbours.png", png(picture))
