"""LSGAN: the least squares game with convolutional players. arXiv:1611.04076."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Mao et al. 2017, section 4: Adam with β1 = 0.5, batch norm in both players."""
    return Recipe("gan", "dcgan", {"loss": "least_squares", "critic_norm": "batch"})
