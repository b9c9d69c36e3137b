"""StyleGAN3-class: alias-free generator, StyleGAN2's discriminator, lazy R1. arXiv:2106.12423."""

from ganvas.recipe import Recipe
from ganvas.recipes.stylegan2 import gamma
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Karras et al. 2021, configuration T; γ as in the recipe stylegan2."""
    return Recipe("gan", "stylegan3", {"r1": gamma(data), "lazy": 16, "batch": 32, "lr": 2e-3})
