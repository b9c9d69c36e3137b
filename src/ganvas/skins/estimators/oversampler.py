"""GANOverSampler: makes rows of the rarer classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type

import ganvas
from ganvas.skins.estimators.frames import checked, kinds, seed_of, trained, varied

COST, PASSES, BATCH = 800_000, 30, 256  # training rows at most, times the columns; passes over the rows; a batch
TARGET = "the class"


class GANOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Makes rows of the rarer classes, learnt from all rows: imbalanced-learn's ``fit_resample``.

    Before you use it: where the classes overlap, no over-sampling ranks better than the untouched rows do; the
    threshold of the decision is what to move. ``ganvas.balance`` measures that on your table.

    Args:
        sampling_strategy: which classes, and to how many rows (see imbalanced-learn).
        categorical_features: names or places of columns that are classes though they hold numbers.
        seen: training rows to show (default: what suits the table).
        random_state: of training and drawing.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "categorical_features": ["array-like", None],
        "seen": [int, None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        categorical_features: Sequence[Any] | None = None,
        seen: int | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.categorical_features = categorical_features
        self.seen = seen
        self.random_state = random_state

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, Any, bool]:  # noqa: N802 (imbalanced-learn's name)
        y, several = check_target_type(y, indicate_one_vs_all=True)
        frame = checked(self, X, reset=True)
        whole = isinstance(X, pd.DataFrame)
        self._dtypes = X.dtypes.to_dict() if whole else getattr(X, "dtype", np.dtype(float))
        return frame if whole else frame.to_numpy(), y, several

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
        wanted = {name: n for name, n in self.sampling_strategy_.items() if n > 0}
        made = [self._made(frame, y, wanted)] if wanted else []
        labels = np.repeat(np.array(list(wanted), dtype=y.dtype), list(wanted.values()))
        whole = pd.concat([frame, *made], ignore_index=True)
        if isinstance(X, pd.DataFrame):
            return whole.astype(self._dtypes), np.concatenate([y, labels])
        kind = self._dtypes if self._dtypes.kind == "f" else np.float64
        return whole.to_numpy(kind), np.concatenate([y, labels])

    def _made(self, frame: pd.DataFrame, y: np.ndarray, wanted: dict[Any, int]) -> pd.DataFrame:
        """New rows of each class, one class after the other; the target is the first thing that is decided."""
        names, which, seed = np.unique(y), varied(frame), seed_of(self.random_state)
        part = frame.iloc[:, which].reset_index(drop=True)
        told = dict(zip(map(str, which), kinds(part, self.categorical_features).values(), strict=True))
        table = part.set_axis(list(told), axis=1)
        table.insert(0, TARGET, np.searchsorted(names, y).astype(str))
        data = ganvas.tables(table, target=TARGET, metadata=told | {TARGET: "category"}, holdout=0.0, seed=seed)
        batch = min(BATCH, max(8, len(table) // 4))
        seen = self.seen or max(batch, min(PASSES * len(table), COST // table.shape[1]))
        how = {"game": "taegan", "net": "masked", "patient": 0, "warm": 1.0, "batch": batch, "seen": seen}
        run = trained(data, seed, checkpoint_every=1 + seen // batch, **how)
        codes = np.repeat(np.searchsorted(names, list(wanted)).astype(str), list(wanted.values()))
        drawn = ganvas.frame(run, seed=seed, known=pd.DataFrame({TARGET: codes}))
        usual = frame.mode(dropna=False).iloc[[0] * len(codes)].set_axis(drawn.index)
        for i in which:
            usual.isetitem(i, drawn[str(i)])
        return usual

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = False
        return tags
