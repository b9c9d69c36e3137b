"""WGAN-GP with convolutional players: a critic without batch norm, five moves for each of G's. arXiv:1704.00028."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Gulrajani et al. 2017, section 5: λ = 10, n_critic = 5, batches of 64, Adam(1e-4, 0, 0.9)."""
    if len(data.space.shape) == 3:
        return Recipe("wgan_gp", "dcgan", {"latent": 128})
    return Recipe("wgan_gp", "mlp", {"batch": 256, "hidden": 512, "layers": 3})
