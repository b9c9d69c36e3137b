"""The estimators keep the contracts of scikit-learn and imbalanced-learn: no check is excused."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from ganvas.estimators import GANImputer, TableSynthesizer

imblearn_checks = pytest.importorskip("imblearn.utils.estimator_checks")
from ganvas.estimators import GANOverSampler  # noqa: E402 (it needs imbalanced-learn)

pytestmark = pytest.mark.slow
OURS = [GANImputer(seen=16), TableSynthesizer(seen=16)]
SCIKIT_LEARN = [pair for one in OURS for pair in estimator_checks_generator(one, legacy=True)]
IMBALANCED = list(imblearn_checks.estimator_checks_generator(GANOverSampler(seen=16, random_state=0), legacy=True))


def told(pair: tuple[Any, Any]) -> str:
    estimator, check = pair
    return f"{type(estimator).__name__}-{check.func.__name__}-{len(check.keywords)}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of trainings of a moment: no pictures are drawn."""
    monkeypatch.setattr("ganvas.verbs.train.samples", lambda *_: lambda *_: None)


@pytest.mark.parametrize("pair", SCIKIT_LEARN, ids=told)
def test_scikit_learn(pair: tuple[Any, Any]) -> None:
    pair[1](pair[0])


@pytest.mark.parametrize("pair", IMBALANCED, ids=told)
def test_imbalanced_learn(pair: tuple[Any, Any]) -> None:
    pair[1](pair[0])
