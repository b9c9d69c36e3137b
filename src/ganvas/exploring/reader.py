"""Reads an attribute in samples: a classifier that learnt it from the real training samples of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganvas import names
from ganvas.errors import InputError
from ganvas.evaluation.look import look
from ganvas.evaluation.samples import Samples, part
from ganvas.labels import Column, Labels
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import extractor, features
from ganvas.run import Run
from ganvas.space import Data

MOST = 10_000  # samples learnt from
LEAST = 5  # samples with the attribute, and without it, to learn from
STEPS = 10_000  # of L-BFGS, at the most


@dataclass(frozen=True)
class Reader:
    """The classifier of one ``attribute``, ``COLUMN=VALUE``; it calls it right in ``accuracy`` of the held-out
    samples (the mean over those with it and those without; nan where there are none)."""

    attribute: str
    extractor: Extractor
    model: Any
    value: float
    accuracy: float

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """The probability [n] that each of the raw samples [n, …] has the attribute."""
        return self._of(features(self.extractor, [raw]).double().numpy())

    def through(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """As a call, of samples that come in parts."""
        return np.concatenate([self(raw) for raw in parts])

    def _of(self, x: np.ndarray) -> np.ndarray:
        place = list(self.model.classes_).index(self.value)
        found: np.ndarray = self.model.predict_proba(x)[:, place]
        return found


def reader(run: Run, attribute: str) -> Reader:
    """Learn to read ``COLUMN=VALUE`` (with one column of labels: VALUE) from the data of a run, which need not have
    been trained with these labels.

    Multinomial logistic regression on standardised features of the usual extractor, as in
    ``metrics/classifier_accuracy.py``. Raises InputError when the data is not there any more or does not know the
    attribute.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = labelled(run)
    labels = data.space.labels
    assert labels is not None
    number, value = parsed(labels, attribute)
    seen = extractor(None, run.space)
    train, held_out = part(data, "train", MOST), part(data, "held-out", MOST)
    x, kinds = look(train, seen).x.double().numpy(), column_of(train, number)
    if min((kinds == value).sum(), (kinds != value).sum()) < LEAST:
        raise InputError(f"{attribute}: {LEAST} training samples with it and without it are needed to learn it")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=STEPS)).fit(x, kinds)
    made = Reader(
        f"{labels.columns[number].name}={labels.columns[number].classes[int(value)]}", seen, model, value, 0.0
    )
    return Reader(made.attribute, seen, model, value, balanced(made, held_out, number))


def balanced(made: Reader, samples: Samples, number: int) -> float:
    """Share of the samples that are read rightly, the mean of those with the attribute and those without."""
    if not samples.count:
        return float("nan")
    has = column_of(samples, number) == made.value
    right = (made._of(look(samples, made.extractor).x.double().numpy()) >= 0.5) == has
    return float(np.mean([right[group].mean() for group in (has, ~has) if group.any()]))


def labelled(run: Run) -> Data:
    """The data of a run with all its labels. Raises InputError when it is not there any more, or has none."""
    try:
        data = names.again(run.info["data"]["origin"] | {"labels": None}, run.info["data"]["fingerprint"])
    except (InputError, TypeError) as error:
        raise InputError(
            f"the data of {run.path} cannot be read, so nothing can be learnt from its labels: {error}"
        ) from None
    if data.fingerprint != run.info["data"]["fingerprint"]:
        raise InputError(f"the data of {run.path} has changed since; nothing can be learnt from its labels")
    if data.space.labels is None:
        raise InputError(f"the data of {run.path} has no labels; find directions with --by pca or --by sefa")
    return data


def parsed(labels: Labels, attribute: str) -> tuple[int, float]:
    """The column's number and the stored value of ``COLUMN=VALUE``. InputError for a column that has no classes."""
    columns = {column.name: column for column in labels.columns}
    name, equals, value = attribute.rpartition("=")
    if not equals and len(columns) == 1:
        name = next(iter(columns))
    if name.strip() not in columns:
        known = ", ".join(columns)
        raise InputError(f"attribute {attribute!r}: write COLUMN=VALUE; the columns of labels are {known}")
    column: Column = columns[name.strip()]
    if not column.classes:
        raise InputError(f"attribute {attribute!r}: {column.name} is a number; only classes can be read")
    return list(columns).index(column.name), column.parse(value)


def column_of(samples: Samples, number: int) -> np.ndarray:
    """One column of the stored labels of samples."""
    parts = [labels[:, number] for _, labels in samples.chunks() if labels is not None]
    return np.concatenate(parts)
