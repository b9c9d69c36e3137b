"""FastGAN: few pictures, a light generator, a discriminator that also draws. arXiv:2101.04775."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Liu et al. 2021: batches of 8, DiffAugment."""
    return Recipe("fastgan", "fastgan", {"augment": "diffaugment", "batch": 8})
