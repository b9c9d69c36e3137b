"""ProGAN: pictures grow from coarse to fine while training. arXiv:1710.10196."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Karras et al. 2018: WGAN-GP with drift, half of the samples while growing."""
    return Recipe("progressive", "progressive", {})
