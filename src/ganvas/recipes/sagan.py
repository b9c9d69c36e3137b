"""SAGAN: SNGAN with self-attention and spectral norm in both players. arXiv:1805.08318."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Zhang et al. 2019, section 4: attention at 32 pixels (16 for pictures no larger than that), one move each."""
    return Recipe("gan", "resnet", {"loss": "hinge", "spectral": True, "attention": attention(data), "lr": 2e-4})


def attention(data: Data) -> int:
    """The resolution that looks at itself: 32 pixels as in the paper, 16 in small pictures."""
    return 32 if min(data.space.shape[1:], default=0) > 32 else 16
