"""BigGAN: wide residual players, labels in every block, orthogonal regularisation. arXiv:1809.11096."""

from ganvas.recipe import Recipe
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """Brock et al. 2019, section 3: the hinge game, two moves of D; batches of 256 here, 2,048 in the paper."""
    return Recipe("gan", "biggan", {"loss": "hinge", "discriminator_moves": 2, "orthogonal": 1e-4, "batch": 256})
