"""StyleGAN2: styles, lazy R1 and path length regularisation. arXiv:1912.04958."""

import math

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Karras et al. 2020, with γ by StyleGAN2-ADA's rule (arXiv:2006.06676, appendix C): 0.0002 · pixels / batch."""
    return Recipe("gan", "stylegan2", {"r1": gamma(data), "lazy": 16, "path_length": 2.0, "batch": 32, "lr": 2e-3})


def gamma(data: Data, batch: int = 32) -> float:
    """The weight of R1 that suits the number of pixels: 0.0002 · pixels / batch."""
    return 2e-4 * math.prod(data.space.shape[1:]) / batch
