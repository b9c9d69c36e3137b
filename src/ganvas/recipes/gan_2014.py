"""The original GAN with the original networks: maxout against rectifiers. Goodfellow et al. 2014, arXiv:1406.2661."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Section 5: a rectifier generator of two hidden layers of 1,200, a maxout discriminator with dropout, uniform
    noise, k = 1, batches of 100. Adam replaces the paper's momentum with its hand-tuned decay."""
    discriminator = {"D.hidden": 240, "D.maxout": 5, "D.dropout": 0.5}
    generator = {"G.hidden": 1200, "latent": 100}
    return Recipe("gan", "mlp", {**generator, **discriminator, "prior": "uniform", "batch": 100})
