"""What estimators are given, as tables: frames stay frames, arrays become frames of numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, validate_data

import ganvas


def checked(estimator: BaseEstimator, given: Any, reset: bool, least: int = 1) -> pd.DataFrame:
    """What an estimator is given as a frame [n, columns]; NaN is welcome. ``reset``: it is being fitted.

    Columns of an array are called x0, x1 …; raises ValueError or TypeError as scikit-learn does.
    """
    if not isinstance(given, pd.DataFrame):
        how = {"dtype": np.float64, "ensure_all_finite": "allow-nan", "ensure_min_samples": least}
        array = validate_data(estimator, given, reset=reset, **how)
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    validate_data(estimator, given, reset=reset, skip_check_array=True)
    sparse = [name for name, kind in given.dtypes.items() if isinstance(kind, pd.SparseDtype)]
    given = given.astype({name: given.dtypes[name].subtype for name in sparse}) if sparse else given
    if len(given) < least:
        raise ValueError(f"Found array with {len(given)} sample(s) while a minimum of {least} is required.")
    check_array(given.select_dtypes("number"), ensure_all_finite="allow-nan", ensure_min_features=0)
    return given


def kinds(frame: pd.DataFrame, categorical: Sequence[Any] | None) -> dict[str, str]:
    """What each column is: a category if ``categorical`` has its name or place or it holds no numbers; or a number."""
    chosen = {frame.columns[c] if isinstance(c, int | np.integer) and c not in frame else c for c in categorical or ()}
    found = {}
    for name in frame:
        series = frame[name]
        plain = pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)
        date = pd.api.types.is_datetime64_any_dtype(series)
        found[str(name)] = "category" if name in chosen else "date" if date else "number" if plain else "category"
    return found


def varied(frame: pd.DataFrame) -> list[int]:
    """The places of the columns that have two values or more."""
    return [i for i in range(frame.shape[1]) if frame.iloc[:, i].nunique() > 1]


def seed_of(random_state: Any) -> int:
    """A seed for training."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def trained(data: Any, seed: int, **settings: Any) -> Any:
    """A run of which all is in memory: its folder is gone."""
    with tempfile.TemporaryDirectory() as scratch:
        run = ganvas.train(data, run=Path(scratch) / "run", seed=seed, quiet=True, **settings)
        assert run.generator is not None
        return run
