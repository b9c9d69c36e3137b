"""GANImputer: fills in what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

import ganvas
from ganvas.skins.estimators.frames import checked, kinds, seed_of, trained, varied


class GANImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fills the missing values of rows, also of rows that it was not fitted on; what is known stays as it is.

    A number is filled with its expectation, a class with the likeliest one. ``draw`` fills each hole at random, for
    multiple imputation; ``interval`` says between which values a missing number lies. Arrays are numbers; of a pandas
    DataFrame the columns that hold none are classes. A column without two values is filled with its one value, one
    without any stays empty.

    Args:
        categorical_features: names or places of columns that are classes though they hold numbers.
        seen: training rows to show (default: what suits the table).
        random_state: of training.
    """

    def __init__(
        self,
        *,
        categorical_features: Sequence[Any] | None = None,
        seen: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.categorical_features = categorical_features
        self.seen = seen
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows [n, columns], with or without holes."""
        frame = checked(self, X, reset=True)
        seed = seed_of(self.random_state)
        self.varied_ = varied(frame)
        self.imputer_ = None
        first = (frame.iloc[:, i].dropna() for i in range(frame.shape[1]))
        self.constants_ = [None if column.empty else column.iloc[0] for column in first]
        if self.varied_:
            table = frame.iloc[:, self.varied_].reset_index(drop=True)
            table.columns = [str(i) for i in self.varied_]
            told = dict(zip(table, kinds(frame.iloc[:, self.varied_], self.categorical_features).values(), strict=True))
            data = ganvas.tables(table, metadata=told, holdout=ganvas.Imputer.HELD, seed=seed)
            run = trained(data, seed, recipe="impute", **({} if self.seen is None else {"seen": self.seen}))
            self.imputer_ = ganvas.Imputer.fit(run, data)
        return self

    def transform(self, X: Any) -> Any:
        """The rows with what is best in their holes: an array, or a DataFrame if they came as one."""
        (found,) = self._filled(X, lambda imputer, raw: [imputer.estimate(raw)])
        return found

    def draw(self, X: Any, m: int = 5, random_state: int = 0) -> list[Any]:
        """``m`` times the rows, with each hole drawn from what may stand there (Rubin 1987)."""
        seeds = [random_state * 1_000_003 + i for i in range(m)]
        return self._filled(X, lambda imputer, raw: [imputer.draw(raw, seed) for seed in seeds], m)

    def interval(self, X: Any, level: float = 0.9) -> tuple[Any, Any]:
        """The rows twice: the least and the greatest value between which a missing number is with this chance."""
        low, high = self._filled(X, lambda imputer, raw: imputer.interval(raw, level), 2)
        return low, high

    def _filled(self, X: Any, values: Any, count: int = 1) -> list[Any]:
        """The rows ``count`` times, with each of ``values(imputer, raw)`` in the holes."""
        check_is_fitted(self)
        frame = checked(self, X, reset=False)
        several = [frame.copy() for _ in range(count)]
        if self.imputer_ is not None:
            table = frame.iloc[:, self.varied_].set_axis([str(i) for i in self.varied_], axis=1)
            made = values(self.imputer_, self.imputer_.space.read(table))
            for found, raw in zip(several, made, strict=True):
                filled = self.imputer_.fill(table, raw, rounded=False)
                for k, i in enumerate(self.varied_):
                    found.isetitem(i, filled.iloc[:, k])
        for i in set(range(frame.shape[1])) - set(self.varied_):
            if self.constants_[i] is not None:
                for found in several:
                    found.isetitem(i, frame.iloc[:, i].fillna(self.constants_[i]))
        return [found if isinstance(X, pd.DataFrame) else found.to_numpy(np.float64) for found in several]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = False
        return tags
