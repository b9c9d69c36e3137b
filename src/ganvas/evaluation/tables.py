"""The evaluation of made rows of a table: every score between independent columns and real rows, and the attacks."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.evaluation.columns import columns, examples, pairs
from ganvas.metrics.tables.attribute import attribute
from ganvas.metrics.tables.baselines import independent
from ganvas.metrics.tables.c2st import FOLDS, c2st
from ganvas.metrics.tables.c2st import MOST as MOST_TOLD
from ganvas.metrics.tables.closeness import closeness, copies
from ganvas.metrics.tables.membership import membership
from ganvas.metrics.tables.normalised import normalised
from ganvas.metrics.tables.quality import Quality, quality
from ganvas.metrics.tables.rows import Rows, part
from ganvas.metrics.tables.utility import trts, tstr
from ganvas.version import __version__

if TYPE_CHECKING:
    from ganvas.spaces.tables.space import Table

Figures = dict[str, float]
Found = Iterator[tuple[str, float]]
SECRETS, WORK = 10, 100  # columns whose values are guessed, at the most; that times the columns of the table
ALARM = 3.0  # standard errors beyond chance
FEW = 200  # real rows below which figures are coarse
SECRECY = ("dcr_share", "copies", "membership", "membership_density", "attribute_gain")  # figures of privacy
ERROR = "_standard_error"
OUTSIDE = (
    "Rows made by this run may be given away, but not these figures: they were computed on real rows, outside the "
    "run's privacy budget."
)
SILENCE = "No alarm is no proof: distances to the closest record miss most of what leaks (arXiv:2505.01524)."


@dataclass(frozen=True)
class Trial:
    """``made`` rows [m, fields] before ``real`` ones [k, fields] that no generator was trained on.

    ``others`` [n, fields] are other real rows: those the generator learnt from if ``trained``, else just as many more.
    What a perfect generator reaches is what they reach. ``origin`` says what the real rows are, for the protocol.
    """

    name: str
    against: str
    space: Table
    made: Rows
    others: Rows
    real: Rows
    trained: bool
    wanted: Sequence[str]
    seed: int
    origin: Mapping[str, Any]

    @property
    def target(self) -> int | None:
        """The number of the column to be predicted, if the table has one."""
        names = [field.name for field in self.space.fields]
        return None if self.space.target is None else names.index(self.space.target)

    @property
    def secrets(self) -> list[int]:
        """The columns whose values are guessed: the target, then the first ones, where there is something to guess."""
        order = sorted(range(len(self.space.fields)), key=lambda j: j != self.target)
        known = [j for j in order if not np.isnan(self.others[:, j]).all()]
        return known[: max(1, min(SECRETS, WORK // len(order)))] if len(order) > 1 else []

    @cached_property
    def alike(self) -> Rows:
        """As many of the others as there are made rows, or all: what a perfect generator makes."""
        return part(self.others, len(self.made), self.seed)

    @cached_property
    def likeness(self) -> Quality:
        """How alike columns and pairs of the made rows are."""
        return quality(self.real, self.made, self.space.discrete, seed=self.seed)

    @cached_property
    def usual(self) -> Quality:
        """How alike those of other real rows are."""
        return quality(self.real, self.alike, self.space.discrete, seed=self.seed)


def marginals(t: Trial, made: Rows) -> Found:
    """How alike columns and pairs of columns are distributed."""
    if made is t.made or made is t.alike:
        found = t.likeness if made is t.made else t.usual
    else:
        found = quality(t.real, made, t.space.discrete, seed=t.seed)
    yield from (("quality", found.overall), ("shapes", found.shapes), ("trends", found.trends))


def detection(t: Trial, made: Rows) -> Found:
    """How well boosted trees tell made rows from real ones, and the error of that where they cannot."""
    yield "c2st", c2st(t.real, made, t.space.discrete, t.seed)
    count = min(len(t.real), len(made), MOST_TOLD)
    yield "c2st" + ERROR, float(np.sqrt((2 * count + 1) / (12 * count * count)))  # Hanley & McNeil 1982


def taught(t: Trial, made: Rows) -> Found:
    """What boosted trees learn from made rows, judged by real ones."""
    if t.target is not None:
        yield "tstr", tstr(made, t.real, t.space.discrete, t.target, t.seed)


def obeyed(t: Trial, made: Rows) -> Found:
    """What boosted trees learn from real rows, judged by made ones."""
    if t.target is not None:
        yield "trts", trts(made, t.others, t.space.discrete, t.target, t.seed)


def near(t: Trial, made: Rows) -> Found:
    """Made rows that are nearer to the training rows than to the real ones, and copies."""
    found = closeness(t.others, t.real, made, t.space.discrete, t.seed)
    yield from (("dcr_share", found.share), ("dcr_share" + ERROR, found.error), ("copies", found.copies))


def members(t: Trial, made: Rows) -> Found:
    """How well made rows tell who was trained on."""
    found = membership(t.others, t.real, made, t.space.discrete, t.seed)
    yield from (("membership", found.distance), ("membership" + ERROR, found.error))
    yield from (("membership_density", found.density), ("membership_density" + ERROR, 1.2 * found.error))


def guessed(t: Trial, made: Rows) -> Found:
    """How much better secrets of training rows are guessed from made rows than from real ones: mean over columns."""
    gains = [attribute(t.others, t.real, made, t.space.discrete, j, seed=t.seed) for j in t.secrets]
    if gains:
        yield "attribute_gain", float(np.mean([one.gain for one in gains]))
        yield "attribute_gain" + ERROR, float(np.mean([one.error for one in gains]))


Measure = Callable[[Trial, Rows], Found]
SCORES: dict[str, Measure] = {
    "quality": marginals,
    "c2st": detection,
    "tstr": taught,
    "trts": obeyed,
}
PRIVACY: dict[str, Measure] = {
    "closeness": near,
    "membership": members,
    "attribute": guessed,
}
MEASURES = SCORES | PRIVACY
ALIASES = {
    **dict.fromkeys(("marginals", "shapes", "pairs", "trends"), "quality"),
    **dict.fromkeys(("detection",), "c2st"),
    **dict.fromkeys(("copies", "dcr", "dcr_share"), "closeness"),
    **dict.fromkeys(("membership_density",), "membership"),
    **dict.fromkeys(("attribute_gain",), "attribute"),
}


def wanted(metrics: str | None, of_pictures: Sequence[str]) -> list[str]:
    """The measures that ``a,b,c`` asks for, all without it. InputError for an unknown one, or one ``of_pictures``."""
    names = list(MEASURES) if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
    names = list(dict.fromkeys(ALIASES.get(name, name) for name in names))
    for name in names:
        if name in of_pictures:
            raise InputError(f"{name} looks at features of pictures; tables have {', '.join(MEASURES)}")
        if name not in MEASURES:
            raise InputError(f"no metric '{name}' of tables{nearest(name, MEASURES)}")
    if not names:
        raise InputError(f"--metrics names none; known for tables: {', '.join(MEASURES)}")
    return names


def judged(t: Trial) -> dict[str, Any]:
    """All figures with their floor, their ceiling and their place between; columns, pairs, warnings, protocol.

    Raises InputError for rows that cannot be compared.
    """
    began = time.perf_counter()
    scores, said = measured(t, SCORES, t.made)
    found: dict[str, Any] = {"of": t.name, "against": t.against} | scores
    floor, _ = measured(t, SCORES, independent(t.others, len(t.made), np.random.default_rng(t.seed)))
    ceiling, _ = measured(t, SCORES, t.alike)
    if "trts" in ceiling:  # real rows that the trees have not seen
        ceiling |= dict(obeyed(t, t.real))
    if t.trained:
        secret, more = measured(t, PRIVACY, t.made)
        found, said = found | secret, said + more
        floor |= measured(t, PRIVACY, t.alike)[0]
        ceiling |= fresh(t, secret)
    elif set(t.wanted) & set(PRIVACY):
        said.append("what the rows were learnt from is not known, so nothing is said about privacy")
    figures = {name: value for name, value in found.items() if isinstance(value, float)}
    found["floor"], found["ceiling"] = bare(floor), bare(ceiling)
    found["normalised"] = between(figures, floor, ceiling)
    if "quality" in t.wanted:
        found["columns"] = columns(t.space, t.real, t.made, (t.likeness.columns, t.usual.columns))
        found["pairs"] = pairs(t.space, t.real, t.made, t.likeness.pairs, t.seed)
    found["examples"] = examples(t.space, t.made)
    found["warnings"] = said + warnings(t, figures, ceiling)
    found["protocol"] = protocol(t) | {"seconds": round(time.perf_counter() - began, 1)}
    return found


def sheltered(found: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation of a run with a privacy budget: it says that it is outside, and bars of real rows are left out."""
    left = {key: value for key, value in found.items() if key not in ("columns", "pairs")}
    return left | {"warnings": [OUTSIDE, *found["warnings"]]}


def measured(t: Trial, measures: Mapping[str, Measure], made: Rows) -> tuple[Figures, list[str]]:
    """The figures of ``made`` rows that are numbers, and why there is nothing else."""
    found, said = Figures(), list[str]()
    for name in (name for name in measures if name in t.wanted):
        try:
            found |= {key: value for key, value in measures[name](t, made) if np.isfinite(value)}
        except InputError as error:
            if len(t.wanted) == 1:
                raise
            said.append(f"{name} is left out: {error}")
    return found, said


def fresh(t: Trial, found: Figures) -> Figures:
    """What fresh real rows give away of the training rows: what chance gives, and copies as there are of real rows."""
    chance = {"dcr_share": 0.5, "membership": 0.5, "membership_density": 0.5, "attribute_gain": 0.0}
    known = {name: value for name, value in chance.items() if name in found}
    if "copies" in found:
        known["copies"] = copies(t.real, t.others, t.seed)
    return known


def bare(figures: Figures) -> Figures:
    """Without standard errors."""
    return {name: value for name, value in figures.items() if not name.endswith(ERROR)}


def between(found: Figures, floor: Figures, ceiling: Figures) -> Figures:
    """The place of each figure between its floor (0) and its ceiling (1), where the two can be told apart.

    Of privacy 1 is the most: to give away less than fresh rows is not better than fresh rows.
    """
    places = normalised(bare(found), floor, ceiling)
    apart = {name: abs(floor[name] - ceiling[name]) for name in places if name in floor and name in ceiling}
    told = {name for name, gap in apart.items() if gap > 2 * found.get(name + ERROR, 0.0)}
    return {name: min(value, 1.0) if name in SECRECY else value for name, value in places.items() if name in told}


def warnings(t: Trial, found: Figures, ceiling: Figures) -> list[str]:
    """What the reader must know before quoting a figure: first what raises an alarm."""
    said = []
    for name, told in (
        ("dcr_share", "made rows lie nearer to training rows than to others ({:.1%} of them; 50 % is right)"),
        ("membership", "training rows can be told from others by their nearest made row (AUC {:.3f}; .5 is right)"),
        ("membership_density", "training rows can be told from others by made rows (AUC {:.3f}; .5 is right)"),
        ("attribute_gain", "secrets of training rows are guessed {:.1%} more often than those of others"),
    ):
        if found.get(name, 0.0) > ceiling.get(name, np.inf) + ALARM * found.get(name + ERROR, 0.0):
            said.append("alarm: " + told.format(found[name]))
    share, expected = found.get("copies", 0.0), ceiling.get("copies", 1.0)
    if share > expected + ALARM * (max(expected * (1 - expected), 1 / len(t.made)) / len(t.made)) ** 0.5:
        said.append(f"alarm: {share:.2%} of made rows are exact copies of training rows; of real rows {expected:.2%}")
    if t.trained and set(t.wanted) & set(PRIVACY):
        said.append(SILENCE)
    if len(t.real) < FEW:
        said.append(f"with {len(t.real)} real rows the figures are coarse; {FEW} or more are better")
    if "tstr" in t.wanted and t.target is None:
        said.append("no target is known, so tstr and trts are left out")
    return said


def protocol(t: Trial) -> dict[str, Any]:
    """Everything needed to make the figures again, and to know whether two may be compared."""
    copied = "for privacy the training rows themselves" if t.trained else ""
    fresh_rows = "for privacy what fresh real rows give away" if t.trained else ""
    floor = f"columns of {len(t.others):,} real rows, each shuffled on its own"
    ceiling = f"{min(len(t.others), len(t.made)):,} other real rows against the same"
    return {
        "n_real": len(t.real),
        "n_fake": len(t.made),
        "n_train": len(t.others) if t.trained else None,
        "real": t.against,
        **t.origin,
        "target": t.space.target,
        "trees": f"100 boosted trees; c2st of {FOLDS} folds",
        "floor": "; ".join(filter(None, (floor, copied))),
        "ceiling": "; ".join(filter(None, (ceiling, fresh_rows))),
        "seed": t.seed,
        "metrics": list(t.wanted),
        "versions": {"ganvas": __version__, "numpy": np.__version__, "scikit-learn": version("scikit-learn")},
        "machine": {"python": platform.python_version()},
    }
