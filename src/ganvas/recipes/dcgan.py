"""DCGAN as published: the non-saturating game, batch norm in both players, Adam(2e-4, 0.5). arXiv:1511.06434."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Radford et al. 2016, section 4: batches of 128, uniform prior of 100 dimensions."""
    return Recipe("gan", "dcgan", {"critic_norm": "batch", "batch": 128, "prior": "uniform", "latent": 100})
