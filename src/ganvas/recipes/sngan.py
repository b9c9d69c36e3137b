"""SNGAN: the hinge game with residual players and spectral norm in D. arXiv:1802.05957."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Miyato et al. 2018, section 4: five moves of D for one of G, batches of 64."""
    return Recipe("gan", "resnet", {"loss": "hinge", "discriminator_moves": 5})
