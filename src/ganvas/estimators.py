"""GANs as scikit-learn and imbalanced-learn know estimators; extra ``sklearn``."""

from typing import Any

from ganvas.skins import estimators

__all__ = ["GANImputer", "GANOverSampler", "TableSynthesizer"]  # noqa: F822 (found by __getattr__)


def __getattr__(name: str) -> Any:
    """As ``ganvas.skins.estimators`` has it: only the sampler needs imbalanced-learn."""
    if name in __all__:
        return getattr(estimators, name)
    raise AttributeError(f"module 'ganvas.estimators' has no attribute '{name}'")
