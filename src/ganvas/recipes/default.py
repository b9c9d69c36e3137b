"""What ``ganvas train DATA`` plays when nothing else is asked for: R3GAN with the networks that suit the data."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """R3GAN with DCGAN-shaped networks for pictures and fully connected ones for vectors."""
    if len(data.space.shape) == 3:
        return Recipe("r3gan", "dcgan", {"latent": 64, "width": 32, "gamma": 0.5, "gamma_start": 0.5, "lr": 2e-3})
    return Recipe("r3gan", "mlp", {"gamma": 0.1, "lr": 1e-3, "batch": 256})
