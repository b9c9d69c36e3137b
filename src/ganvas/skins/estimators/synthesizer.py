"""TableSynthesizer: learns a table and draws rows like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

import ganvas
from ganvas.skins.estimators.frames import checked, kinds, seed_of, trained


class TableSynthesizer(BaseEstimator):  # type: ignore[misc]
    """Learns a table and draws rows like it, whole ones, under conditions, or completed from what is known of them.

    Args:
        seen: training rows to show (default: as ``ganvas.train`` has it, which also stops earlier by itself).
        categorical_features: names or places of columns that are classes though they hold numbers.
        constraints: what every row keeps, such as "low <= high", "price > 0".
        random_state: of training.
    """

    def __init__(
        self,
        *,
        seen: int | None = None,
        categorical_features: Sequence[Any] | None = None,
        constraints: Sequence[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.seen = seen
        self.categorical_features = categorical_features
        self.constraints = constraints
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from rows [n, columns]; ``y`` is not used."""
        frame = checked(self, X, reset=True, least=2)
        if not frame.nunique().gt(1).any():
            raise ValueError("no column has two values; there is nothing to learn")
        self.frames_ = isinstance(X, pd.DataFrame)
        seed = seed_of(self.random_state)
        told = {} if self.frames_ and self.categorical_features is None else kinds(frame, self.categorical_features)
        data = ganvas.tables(frame, metadata=told or None, constraints=self.constraints, seed=seed)
        self.run_ = trained(data, seed, **({} if self.seen is None else {"seen": self.seen}))
        return self

    def sample(self, n: int = 1, where: str | None = None, random_state: int = 0) -> Any:
        """``n`` rows like those learnt, all of which satisfy ``where``, such as "age > 60 and city = 'Bonn'"."""
        check_is_fitted(self)
        found = ganvas.frame(self.run_, n, random_state, where)
        return found if self.frames_ else found.to_numpy(np.float64)

    def complete(self, X: Any, random_state: int = 0) -> Any:
        """The rows of a DataFrame, of which any columns may be missing, with the missing values drawn."""
        check_is_fitted(self)
        known = X if isinstance(X, pd.DataFrame) else checked(self, X, reset=False)
        found = ganvas.frame(self.run_, seed=random_state, known=known)
        return found if isinstance(X, pd.DataFrame) else found.to_numpy(np.float64)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood of rows, the higher the better: numbers by the bin they fall in."""
        check_is_fitted(self)
        frame = checked(self, X, reset=False)
        net, space = self.run_.generator.net, self.run_.space
        x = space.encode(space.read(frame))
        before = torch.ones(net.parts, net.parts).tril(-1).expand(len(x), -1, -1)
        with torch.no_grad():
            return -float(net.surprise(x, before).sum(1).mean())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
