"""Estimators for scikit-learn's and imbalanced-learn's pipelines: fill in holes, draw rows, balance classes."""

from typing import Any

from ganvas.skins.estimators.imputer import GANImputer
from ganvas.skins.estimators.synthesizer import TableSynthesizer

__all__ = ["GANImputer", "GANOverSampler", "TableSynthesizer"]


def __getattr__(name: str) -> Any:
    """The sampler is imported when it is asked for: it alone needs imbalanced-learn."""
    if name == "GANOverSampler":
        from ganvas.skins.estimators.oversampler import GANOverSampler

        return GANOverSampler
    raise AttributeError(f"module 'ganvas.estimators' has no attribute '{name}'")
