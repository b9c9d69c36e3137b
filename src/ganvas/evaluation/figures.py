"""Every measure as an evaluator: two looks in, ``(name, value)`` out. The same for made samples and for the floor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch

from ganvas.errors import InputError, nearest
from ganvas.evaluation.looks import Look
from ganvas.metrics.classifier_accuracy import classifier_accuracy
from ganvas.metrics.density_coverage import density_coverage
from ganvas.metrics.diversity import diversity
from ganvas.metrics.frechet_distance import frechet_distance, frechet_infinity
from ganvas.metrics.inception_score import inception_score, mode_score
from ganvas.metrics.intra_class import intra_class
from ganvas.metrics.kid import kid
from ganvas.metrics.label_accuracy import label_accuracy
from ganvas.metrics.precision_recall import precision_recall
from ganvas.metrics.realism import realism

Figures = dict[str, float]
Found = Iterator[tuple[str, float]]
SPLITS = 10  # of the inception score
LEAST = 10  # samples a class needs on both sides to be measured on its own


def distance(real: Look, fake: Look, seed: int) -> Found:
    """The Fréchet distance."""
    yield "frechet_distance", frechet_distance(real.x, fake.x)


def infinity(real: Look, fake: Look, seed: int) -> Found:
    """The Fréchet distance for infinitely many samples, extrapolated, and its standard error."""
    found = frechet_infinity(real.x, fake.x, seed)
    yield "frechet_infinity", found.value
    yield "frechet_infinity_standard_error", found.standard_error


def kernel(real: Look, fake: Look, seed: int) -> Found:
    """The kernel distance and its standard error."""
    found = kid(real.x, fake.x, seed)
    yield "kid", found.value
    yield "kid_standard_error", found.standard_error


def manifolds(real: Look, fake: Look, seed: int) -> Found:
    """Precision, recall, density, coverage, median realism."""
    first, second = precision_recall(real.x, fake.x), density_coverage(real.x, fake.x)
    yield "precision", first.precision
    yield "recall", first.recall
    yield "density", second.density
    yield "coverage", second.coverage
    yield "realism", float(realism(real.x, fake.x).median())


def spread(real: Look, fake: Look, seed: int) -> Found:
    """How different two samples are, as a share of how different two real ones are."""
    yield "diversity", diversity(fake.x, seed=seed) / max(diversity(real.x, seed=seed), 1e-12)


def scores(real: Look, fake: Look, seed: int) -> Found:
    """The inception score and the mode score, where the extractor is a classifier."""
    if fake.probabilities is not None and real.probabilities is not None:
        yield "inception_score", inception_score(fake.probabilities, min(SPLITS, len(fake))).mean
        yield "mode_score", mode_score(fake.probabilities, real.probabilities)


def read_as_asked(real: Look, fake: Look) -> Found:
    """The share of samples whose label the extractor reads, where it knows the classes of the real ones."""
    if real.labels is None or fake.labels is None or fake.probabilities is None:
        return
    if fake.probabilities.shape[1] == int(real.labels.max()) + 1:
        yield "label_accuracy", label_accuracy(fake.probabilities.argmax(1), fake.labels).overall


def labels(real: Look, fake: Look, seed: int) -> Found:
    """How well samples fit their labels: read as asked, distance within classes."""
    if real.labels is None or fake.labels is None:
        return
    yield from read_as_asked(real, fake)
    if within := intra_class(real.x, real.labels, fake.x, fake.labels):
        yield "intra_class_frechet_distance", sum(within.values()) / len(within)


def learning(real: Look, fake: Look, seed: int) -> Found:
    """How well a classifier that learns from these samples reads real ones."""
    if real.labels is not None and fake.labels is not None and len(fake.labels.unique()) > 1:
        yield "classifier_accuracy", classifier_accuracy(fake.x, fake.labels, real.x, real.labels, seed)


MEASURES: Mapping[str, Callable[[Look, Look, int], Found]] = {
    "frechet_distance": distance,
    "frechet_infinity": infinity,
    "kid": kernel,
    "manifolds": manifolds,
    "diversity": spread,
    "inception_score": scores,
    "labels": labels,
    "classifier_accuracy": learning,
}
PICTURES = ("ms_ssim", "lpips")  # look at pictures, not at features
OTHERS = ("memorisation", "modes", *PICTURES)  # need more than two looks
SLOW = ("frechet_infinity", *PICTURES)  # only when asked for


ALIASES = {"fid": "frechet_distance"} | dict.fromkeys(
    ("precision", "recall", "density", "coverage", "realism"), "manifolds"
)
CLASSWISE = ("frechet_distance", "manifolds", "diversity")  # what is also measured in each class


def chosen(metrics: str | None, of_tables: Collection[str] = ()) -> list[str]:
    """The measures that ``a,b,c`` asks for; without it the usual ones.

    Raises InputError for an unknown one, and for one ``of_tables``.
    """
    known = [*MEASURES, *OTHERS]
    if metrics is None:
        return [name for name in known if name not in SLOW]
    wanted = [name.strip() for name in metrics.split(",") if name.strip()]
    wanted = list(dict.fromkeys(ALIASES.get(name, name) for name in wanted))
    if not wanted:
        raise InputError(f"--metrics names none; known: {', '.join(known)}")
    for name in wanted:
        if name in of_tables:
            raise InputError(f"{name} looks at rows of a table; pictures and points have {', '.join(known)}")
        if name not in known:
            raise InputError(f"no metric '{name}'{nearest(name, known)}")
    return wanted


def measure(real: Look, fake: Look, wanted: Sequence[str], seed: int) -> Figures:
    """The figures of ``fake`` against ``real``."""
    return {k: float(v) for name in wanted if name in MEASURES for k, v in MEASURES[name](real, fake, seed)}


def by_class(
    real: Look, fake: Look, classes: Sequence[str], wanted: Sequence[str], seed: int
) -> dict[str, dict[str, float | int]]:
    """A row for each class: how many there are and, where both have enough of them, its figures."""
    found: dict[str, dict[str, float | int]] = {}
    if real.labels is None or fake.labels is None:
        return found
    for number, name in enumerate(classes):
        theirs, ours = (torch.nonzero(labels.eq(number)).flatten() for labels in (real.labels, fake.labels))
        row: dict[str, float | int] = {"n_real": len(theirs), "n_fake": len(ours)}
        if min(len(theirs), len(ours)) >= LEAST:
            a, b = real.rows(theirs), fake.rows(ours)
            row |= measure(a, b, [name for name in CLASSWISE if name in wanted], seed)
            if "labels" in wanted and b.probabilities is not None and b.probabilities.shape[1] == len(classes):
                row["label_accuracy"] = float((b.probabilities.argmax(1) == number).double().mean())
        found[name] = row
    return found
